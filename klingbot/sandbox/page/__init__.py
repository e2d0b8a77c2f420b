"""The page to use the sandbox from: its routes, messages drawn as HTML, and (in `static`) what the browser loads."""
