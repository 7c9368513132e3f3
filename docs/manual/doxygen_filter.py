"""Turns a header's plain comments into what doxygen reads; used as its INPUT_FILTER.

The headers carry ordinary C comments, for people. Here "/* ... */" above a declaration becomes a
documentation comment, one after a declaration a comment on that, indented lines become verbatim
text (formulas and tables keep their shape), and an X-macro list becomes the enumerators it makes.
Usage: doxygen_filter.py HEADER
"""
import re
import sys

LIST = re.compile(r"#define (ICL_\w+_LIST)\(X\)(?:.*\\\n)+.*\n")
ENTRY = re.compile(r'X\((\w+), (\d+), "([^"]*)"\)')
ENUM_LIST = re.compile(r"#define (\w+_ENUM)\(.*\n\s*(\w+_LIST)\(\1\)\n#undef \1\n")
COMMENT = re.compile(r"/\*(.*?)\*/", re.S)


def enumerators(text):
    """Writes the lists out and takes their definitions away."""
    lists = {}

    def keep(match):
        lists[match.group(1)] = ENTRY.findall(match.group(0))
        return ""

    text = LIST.sub(keep, text)
    return ENUM_LIST.sub(lambda m: "".join(
        f"    {name} = {value}, /* {words} */\n" for name, value, words in lists[m.group(2)]), text)


def escape(line):
    return re.sub(r"([\\@<>&#$%])", r"\\\1", line)


def keeps_its_shape(lines):
    """Formulas stand indented; the columns of a table have gaps between them."""
    if any(re.match(r"\s*- ", line) for line in lines):
        return False
    return (all(line.startswith("  ") for line in lines) or
            any(re.search(r"\S {3,}\S", line) for line in lines))


def paragraphs(body):
    """The text of a comment, with formulas and tables as verbatim text."""
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in body.strip("\n").split("\n")]
    lines[0] = lines[0].strip()
    out = []
    for block in re.split(r"\n\n+", "\n".join(lines).strip("\n")):
        if keeps_its_shape(block.split("\n")):
            out.append(f"@verbatim\n{block}\n@endverbatim")
        else:
            out.append(escape(block))
    return "\n\n".join(out)


def trailing(body):
    """A comment on a field or an enumerator: one paragraph."""
    return " ".join(escape(re.sub(r"^\s*\*? ?", "", line).strip()) for line in body.split("\n"))


def comments(text):
    """Every comment of the file in doxygen's form; the first one describes the file."""
    out, position, first = [], 0, True
    for match in COMMENT.finditer(text):
        before = text[position:match.start()]
        out.append(before)
        line = (text[:match.start()].rsplit("\n", 1)[-1]).strip()
        after = text[match.end():].lstrip(" ")
        if first:
            out.append(f"/** @file\n{paragraphs(match.group(1))}\n*/")
        elif line.startswith("#"):
            pass
        elif line:
            out.append(f"/**< {trailing(match.group(1))} */")
        elif after.startswith("\n\n"):
            pass # a remark between declarations
        else:
            out.append(f"/** {paragraphs(match.group(1))} */")
        first = False
        position = match.end()
    return "".join(out) + text[position:]


def without_typedefs(text):
    """typedef struct x {...} x: sphinx would see x declared twice."""
    return re.sub(r"^typedef ((?:struct|enum) (\w+) \{.*?^\}) \2;", r"\1;", text, flags=re.M | re.S)


def groups(text):
    """A declaration without a comment, next to one that has one, points to it."""
    out, last = [], None
    for block in text.split("\n"):
        match = re.match(r"ICL_API\b.*?(icl_\w+)\(", block)
        previous = out[-1].strip() if out else ""
        if match:
            documented = previous.endswith("*/") and not re.search(r"/\*\*<", previous)
            if documented or "/**<" in block:
                last = match.group(1)
            elif match.group(1).endswith("_free"):
                out.append("/** Frees it; NULL is legal, and the order of the frees is free. */")
            elif match.group(1).endswith("_options_init"):
                out.append("/** Sets the defaults; writes no byte beyond size. */")
            elif last is not None and previous:
                out.append(f"/** As {last}(). */")
        elif not block.strip():
            last = None
        out.append(block)
    return "\n".join(out)


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    sys.stdout.write(groups(without_typedefs(comments(enumerators(text)))))


main(sys.argv[1])
