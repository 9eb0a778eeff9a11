"""The words for people, before any channel gives them a form. No I/O."""
