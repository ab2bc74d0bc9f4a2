def routes(site):
    return []
