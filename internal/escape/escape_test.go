package escape

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// passes sends texts through a door.
func passes(t *testing.T, door func(string) string, texts map[string]string) {
	t.Helper()
	for in, want := range texts {
		if got := door(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestTerminal(t *testing.T) {
	passes(t, Terminal, map[string]string{
		"plain":            "plain",
		"\x1b[31mred":      `\x1b[31mred`,
		"a\nb":             `a\nb`,
		"\u202eevil":       `\u{202e}evil`,
		"bad\xff":          `bad\xff`,
		"\u009b31m":        `\x9b31m`,
		"caf\u00e9 \u4e2d": "caf\u00e9 \u4e2d",
	})
}

func TestPage(t *testing.T) {
	passes(t, Page, map[string]string{
		"caf\u00e9 \u4e2d <b>": "caf\u00e9 \u4e2d <b>",
		"a\nb\x1b\u009b":       "a\ufffdb\ufffd\ufffd",
		"\u202aa\u200b\u00ad":  "\ufffda\ufffd\ufffd",
		"1\u00a0000\u3000":     "1 000 ",
		"bad\xff":              "bad\ufffd",
	})
}

func TestCSVCell(t *testing.T) {
	passes(t, CSVCell, map[string]string{"=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0", "+1": "'+1", "-x": "'-x", "@x": "'@x", "plain": "plain", "": ""})
}

func TestMarkdown(t *testing.T) {
	passes(t, Markdown, map[string]string{
		"plain": "plain", "a | b": `a \| b`, "<img src=x>": "&lt;img src=x&gt;", "[x](javascript:y)": `\[x\]\(javascript:y\)`, "a\nb": `a\\nb`, "&lt;": "&amp;lt;",
	})
}

// TestJSON writes documents in pieces of every size: they decode to the same text, and nothing in them is invisible.
func TestJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":"caf\u00e9 é 中"}`:         `{"a":"caf\u00e9 é 中"}`,
		"[\"\u009b31m\"]":               `["\u009b31m"]`,
		"[\"\u202egnp.exe\u2028\x7f\"]": `["\u202egnp.exe\u2028\u007f"]`,
		"[\"\U000e0041\"]":              `["\udb40\udc41"]`, // a tag: 0xe0041 - 0x10000 = 0xd0041, of which 0x340 and 0x041
	} {
		for size := 1; size <= len(in); size++ {
			var out strings.Builder
			door := JSON(&out)
			for piece := range slices.Chunk([]byte(in), size) {
				if n, err := door.Write(piece); n != len(piece) || err != nil {
					t.Fatalf("wrote %d of %d: %v", n, len(piece), err)
				}
			}
			if out.String() != want {
				t.Errorf("%q in pieces of %d: got %q, want %q", in, size, out.String(), want)
			}
			var before, after any
			if json.Unmarshal([]byte(in), &before) != nil || json.Unmarshal([]byte(out.String()), &after) != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("%q became another document, %q", in, out.String())
			}
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

// TestDocuments: what is written as a document or as lines has gone through the door, and tags read as they were written.
func TestDocuments(t *testing.T) {
	var document, lines strings.Builder
	if err := Document(&document, []string{"<b>\u202e"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Lines(&lines).Encode([]string{"<b>\u202e"}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := document.String(), "[\n  \"<b>\\u202e\"\n]\n"; got != want {
		t.Errorf("the document is %q, want %q", got, want)
	}
	if got, want := lines.String(), strings.Repeat("[\"<b>\\u202e\"]\n", 2); got != want {
		t.Errorf("the lines are %q, want %q", got, want)
	}
}
