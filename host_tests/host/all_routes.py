# The routes of the page as a dict, for the servers of the tests, which add their own. Imports the firmware's web alone.

from kmpeye.expose.web import TABLE, Routes


def all_routes(app):
    routes = Routes(app)
    paths = [line.split(" ")[0] for line in TABLE.split("\n") if line]
    return {path: routes.get(path) for path in paths}
