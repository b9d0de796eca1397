#include "page.h"

// A file that is added gets an array and a line in the table; a test says when one is missing.
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char index_html[] = {
#embed "files/index.html"
};
static const unsigned char api_js[] = {
#embed "files/api.js"
};
static const unsigned char chart_js[] = {
#embed "files/chart.js"
};
static const unsigned char code_js[] = {
#embed "files/code.js"
};
static const unsigned char dom_js[] = {
#embed "files/dom.js"
};
static const unsigned char experiments_js[] = {
#embed "files/experiments.js"
};
static const unsigned char fields_js[] = {
#embed "files/fields.js"
};
static const unsigned char formula_js[] = {
#embed "files/formula.js"
};
static const unsigned char horizon_js[] = {
#embed "files/horizon.js"
};
static const unsigned char icon_svg[] = {
#embed "files/icon.svg"
};
static const unsigned char main_js[] = {
#embed "files/main.js"
};
static const unsigned char presets_js[] = {
#embed "files/presets.js"
};
static const unsigned char schedules_js[] = {
#embed "files/schedules.js"
};
static const unsigned char session_js[] = {
#embed "files/session.js"
};
static const unsigned char sessions_js[] = {
#embed "files/sessions.js"
};
static const unsigned char style_css[] = {
#embed "files/style.css"
};

#define FILE_OF(name, type, bytes) {name, type, bytes, sizeof bytes}

static const struct page_file files[] = {
    FILE_OF("index.html", "text/html; charset=utf-8", index_html),
    FILE_OF("api.js", "text/javascript; charset=utf-8", api_js),
    FILE_OF("chart.js", "text/javascript; charset=utf-8", chart_js),
    FILE_OF("code.js", "text/javascript; charset=utf-8", code_js),
    FILE_OF("dom.js", "text/javascript; charset=utf-8", dom_js),
    FILE_OF("experiments.js", "text/javascript; charset=utf-8", experiments_js),
    FILE_OF("fields.js", "text/javascript; charset=utf-8", fields_js),
    FILE_OF("formula.js", "text/javascript; charset=utf-8", formula_js),
    FILE_OF("horizon.js", "text/javascript; charset=utf-8", horizon_js),
    FILE_OF("icon.svg", "image/svg+xml", icon_svg),
    FILE_OF("main.js", "text/javascript; charset=utf-8", main_js),
    FILE_OF("presets.js", "text/javascript; charset=utf-8", presets_js),
    FILE_OF("schedules.js", "text/javascript; charset=utf-8", schedules_js),
    FILE_OF("session.js", "text/javascript; charset=utf-8", session_js),
    FILE_OF("sessions.js", "text/javascript; charset=utf-8", sessions_js),
    FILE_OF("style.css", "text/css; charset=utf-8", style_css),
};

const struct page_file *page_files(void) { return files; }

size_t page_file_count(void) { return sizeof files / sizeof files[0]; }
