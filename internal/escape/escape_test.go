package escape

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain":            "plain",
		"\x1b[31mred":      `\x1b[31mred`,
		"a\nb":             `a\nb`,
		"\u202eevil":       `\u{202e}evil`,
		"bad\xff":          `bad\xff`,
		"\u009b31m":        `\x9b31m`,
		"caf\u00e9 \u4e2d": "caf\u00e9 \u4e2d",
	} {
		if got := Terminal(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCSVCell(t *testing.T) {
	for in, want := range map[string]string{"=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0", "+1": "'+1", "-x": "'-x", "@x": "'@x", "plain": "plain", "": ""} {
		if got := CSVCell(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a | b": `a \| b`, "<img src=x>": "&lt;img src=x&gt;", "[x](javascript:y)": `\[x\]\(javascript:y\)`, "a\nb": `a\\nb`, "&lt;": "&amp;lt;",
	} {
		if got := Markdown(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzDoors sends any bytes through every door: what comes out is text without controls, no formula and no markup.
func FuzzDoors(f *testing.F) {
	for _, seed := range []string{"\x1b]0;title\x07", "=1+1", "<b>", "[a](b)", "a\nb|c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, door := range map[string]func(string) string{"terminal": Terminal, "CSV": CSVCell, "Markdown": Markdown} {
			out := door(s)
			if !utf8.ValidString(out) || strings.ContainsFunc(out, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
				t.Errorf("%s: %q became %q", name, s, out)
			}
		}
		if cell := CSVCell(s); cell != "" && strings.ContainsRune("=+-@|%", rune(cell[0])) {
			t.Errorf("the cell %q is a formula", cell)
		}
		text := Markdown(s)
		for i, r := range text {
			if strings.ContainsRune("<>", r) || strings.ContainsRune("`*_{}[]()#+!|~$", r) && (i == 0 || text[i-1] != '\\') {
				t.Errorf("%q became %q, where %q is markup", s, text, r)
			}
		}
	})
}
