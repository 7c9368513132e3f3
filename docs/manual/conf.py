# The manual: sphinx over doxygen's XML, through breathe. meson gives the version and the XML's place.
import os

project = "libicl"
author = "the authors of libicl"
release = version = os.environ.get("ICL_VERSION", "")
extensions = ["breathe", "sphinx.ext.mathjax"]
breathe_projects = {"libicl": os.environ.get("ICL_DOXYGEN_XML", "xml")}
breathe_default_project = "libicl"
breathe_domain_by_extension = {"h": "c"}
breathe_show_include = False
c_id_attributes = ["ICL_API"]
primary_domain = "c"
highlight_language = "none"
html_theme = "alabaster"
html_copy_source = False
html_theme_options = {"description": "The theory of in-context learning, to compute and to test",
                      "page_width": "1100px", "sidebar_width": "240px"}
exclude_patterns = ["*.in"]
