"""The console's pages of campaigns that merchants propose."""
