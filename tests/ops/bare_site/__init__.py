"""The smallest site on Instep's own Django settings, to try the web server without the product's pages."""
