"""The words of the page, part by part: the same keys in French and in English."""
