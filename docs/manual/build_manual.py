"""Builds the manual: doxygen reads the headers, sphinx writes HTML; any warning is an error.
Usage: build_manual.py SOURCE_ROOT OUTPUT VERSION DOXYGEN SPHINX_BUILD"""
import os
import subprocess
import sys
import xml.etree.ElementTree as xml


def write_doxyfile(source, output):
    manual = os.path.join(source, "docs", "manual")
    with open(os.path.join(manual, "Doxyfile.in"), encoding="utf-8") as file:
        text = file.read()
    for name, value in (("HEADERS", os.path.join(source, "include", "icl")),
                        ("PYTHON", sys.executable),
                        ("FILTER", os.path.join(manual, "doxygen_filter.py")),
                        ("OUTPUT", output)):
        text = text.replace(f"@{name}@", value)
    path = os.path.join(output, "Doxyfile")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def undocumented(output, source):
    """The exported functions that doxygen knows nothing to say about."""
    found = set()
    folder = os.path.join(output, "xml")
    for name in os.listdir(folder):
        if not name.endswith("_8h.xml"):
            continue
        for member in xml.parse(os.path.join(folder, name)).iter("memberdef"):
            words = [member.find(part) for part in ("briefdescription", "detaileddescription")]
            if any("".join(w.itertext()).strip() for w in words):
                found.add(member.findtext("name"))
    with open(os.path.join(source, "lib", "libicl.map"), encoding="utf-8") as file:
        listed = {line.strip(" ;\n") for line in file if line.startswith("    icl_")}
    return sorted(listed - found)


def main(source, output, version, doxygen, sphinx):
    os.makedirs(output, exist_ok=True)
    subprocess.run([doxygen, write_doxyfile(source, output)], check=True)
    missing = undocumented(output, source)
    if missing:
        sys.exit("without documentation: " + ", ".join(missing))
    environment = {**os.environ, "ICL_VERSION": version,
                   "ICL_DOXYGEN_XML": os.path.join(output, "xml")}
    subprocess.run([sphinx, "-W", "--keep-going", "-q", "-b", "html", "-d",
                    os.path.join(output, "doctrees"), os.path.join(source, "docs", "manual"),
                    os.path.join(output, "html")], check=True, env=environment)


main(*sys.argv[1:])
