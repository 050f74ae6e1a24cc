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

func FuzzTerminal(f *testing.F) {
	f.Add("\x1b]0;title\x07")
	f.Fuzz(func(t *testing.T, s string) {
		out := Terminal(s)
		if !utf8.ValidString(out) || strings.ContainsFunc(out, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
			t.Fatalf("%q became %q", s, out)
		}
	})
}
