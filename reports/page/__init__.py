"""Draw the HTML page with Allure: stage the results, pack the data, make it self-contained."""
