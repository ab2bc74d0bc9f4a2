"""What a cited document is made of, whatever it says, and how it is drawn: HTML, PDF, Markdown, JSON. It knows no room above it."""
