"""Why a member has this balance: each lot and movement led back to what brought it."""
