"""One field for everything: a customer number, any public id, an offer, a merchant or a segment by its name."""
