"""The documentation: built by Zensical into `site`, then looked over page by page."""
