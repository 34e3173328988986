"""Packages and sources of the machine's own distribution, Debian or Ubuntu, fetched as an ordinary user into a folder
of ours. Uses Python's standard library, apt and dpkg-deb. Promises: archives, keys and log-ins are those the machine is
set up with, what is fetched is checked with its keyring, and nothing of the machine's own state is touched.
"""

import glob
import os
import pathlib
import re
import shutil
import subprocess

# Releases in order, oldest first: where the running one has no MicroPython that is new enough, the next one
# that has it is taken. Its own libc comes along, so the running system's libraries do not matter.
RELEASES = {
    "debian": ("bullseye", "bookworm", "trixie", "forky", "sid"),
    "ubuntu": ("jammy", "noble", "plucky", "questing", "resolute"),
}


class Unavailable(Exception):
    """It cannot be had here; the message says why in words for the person at the terminal."""


def read_os_release():
    lines = pathlib.Path("/etc/os-release").read_text().splitlines()
    return {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines)}


def read_deb822(text):
    """Fields of each stanza, in lower case; a value that goes on over indented lines stays whole."""
    for stanza in re.split(r"\n\s*\n", text):
        fields, name = {}, None
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        yield fields


def read_one_line(text):
    """The same fields out of `deb [options] uri suite components`."""
    for line in text.splitlines():
        match = re.match(r"(deb)\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+(.*)", line.split("#")[0].strip())
        if match:
            options = dict(option.split("=", 1) for option in (match[2] or "").split() if "=" in option)
            yield {
                "types": match[1],
                "uris": match[3],
                "suites": match[4],
                "components": match[5],
                "signed-by": options.get("signed-by", ""),
                "enabled": "yes",
            }


def main_archives():
    """(uri, signed_by) of each archive this machine takes its own release from over http(s), best guess first."""
    readers = {".list": read_one_line, ".sources": read_deb822}
    files = ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]
    found = []
    for path in map(pathlib.Path, files):
        if path.suffix not in readers or not path.is_file():
            continue
        for source in readers[path.suffix](path.read_text()):
            # "bookworm" is the archive itself; "bookworm-security" or "some-vendor/" are others.
            plain_suite = any(re.fullmatch("[a-z]+", suite) for suite in source.get("suites", "").split())
            usable = (
                "deb" in source.get("types", "").split() and "main" in source.get("components", "").split()
            )
            if not (plain_suite and usable) or source.get("enabled", "yes").lower() == "no":
                continue
            for uri in source["uris"].split():
                if uri.startswith(("http://", "https://")):
                    found.append((uri, source.get("signed-by", "")))
    return list(dict.fromkeys(found))


class PrivateApt:
    """An apt whose state, cache and sources are a directory of ours; proxies, keys and log-ins stay the machine's."""

    def __init__(self, root, kind, architecture, distribution, suite, uri, signed_by):
        """kind: "deb", or "deb-src" for sources."""
        self.root = root
        shutil.rmtree(root, ignore_errors=True)
        for name in ("lists/partial", "cache/archives/partial"):
            (root / name).mkdir(parents=True)
        (root / "status").touch()  # nothing is installed: the package comes with all its libraries
        components = "main universe" if distribution == "ubuntu" else "main"
        source = "Types: %s\nURIs: %s\nSuites: %s\nComponents: %s\n" % (kind, uri, suite, components)
        if kind == "deb":
            source += "Architectures: %s\nTargets: Packages\n" % architecture
        else:
            source += "Targets: Sources\n"
        (root / "archive.sources").write_text(source + ("Signed-By: %s\n" % signed_by if signed_by else ""))
        settings = {
            "Dir::State::lists": root / "lists",
            "Dir::State::status": root / "status",
            "Dir::State::extended_states": root / "extended_states",
            "Dir::Cache": root / "cache",
            "Dir::Cache::archives": root / "cache/archives",
            "Dir::Etc::sourcelist": root / "archive.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": architecture,
            "APT::Install-Recommends": "false",
            "Acquire::Retries": "2",
            "Debug::NoLocking": "true",
        }
        if os.geteuid() == 0:
            settings["APT::Sandbox::User"] = "root"  # apt's own user may not read this tree
        # Cleared: foreign architectures, and hooks that would touch the machine's own state after an update.
        cleared = "#clear APT::Architectures;\n#clear APT::Update;\n#clear DPkg;\n"
        words = ['%s "%s";\n' % (key, value) for key, value in settings.items()]
        words.append('APT::Architectures { "%s"; };\n' % architecture)
        (root / "apt.conf").write_text(cleared + "".join(words))

    def run(self, command, *words):
        command = [command, "-c", str(self.root / "apt.conf"), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=self.root
        )
        if done.returncode:
            complaint = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [
                done.stderr.strip()
            ]
            raise Unavailable("%s: %s" % (" ".join(words[:2]), complaint[0]))
        return done.stdout

    def version(self, package):
        """What the release offers, as (major, minor), (0, 0) where it has none."""
        self.run("apt-get", "update", "--error-on=any")
        match = re.search(r"\|\s*(?:\d+:)?(\d+)\.(\d+)", self.run("apt-cache", "madison", package))
        return (int(match[1]), int(match[2])) if match else (0, 0)

    def unpack(self, package, into):
        """The package and all its libraries."""
        self.run("apt-get", "install", "-y", "--download-only", package)
        for path in sorted((self.root / "cache/archives").glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", path, into], check=True, stdin=subprocess.DEVNULL)

    def unpack_source(self, package, into):
        """What its authors published, without the distribution's changes."""
        self.run("apt-get", "source", "--download-only", package)
        (archive,) = self.root.glob("*.orig.tar.*z*")
        command = ["tar", "-x", "-C", into, "--strip-components=1", "-f", archive]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def own_architecture():
    done = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def try_offers(root, kind, architecture, package, oldest, take):
    """Calls take(apt, suite) with each release that offers the package in the oldest version or a newer one, until it
    says True. Unavailable with the last refusal where none does; take may raise it to refuse one."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Unavailable("this system has no apt")
    release = read_os_release()
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    distribution = next((name for name in names if name in RELEASES), None)
    archives = main_archives()
    if distribution is None or not archives:
        raise Unavailable("no Debian or Ubuntu archive over http(s) among the sources of apt")
    running = release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", "")
    order = RELEASES[distribution]
    suites = order[order.index(running) :] if running in order else (running,)
    refusal = "no release offers it"
    for suite in suites:
        for uri, signed_by in archives:
            try:
                apt = PrivateApt(root, kind, architecture, distribution, suite, uri, signed_by)
                if apt.version(package) >= oldest and take(apt, suite):
                    return
            except (Unavailable, subprocess.CalledProcessError) as error:
                refusal = str(error)
    raise Unavailable(refusal)
