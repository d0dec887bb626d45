"""Views of lists: a filter that somebody saved under a name, for oneself or for everybody who may open the list."""
