package escape

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Document writes a JSON document, indented for people, through the door that [JSON] is.
func Document(w io.Writer, v any) error {
	lines := Lines(w)
	lines.SetIndent("", "  ")
	return lines.Encode(v)
}

// Lines writes JSON documents, one a line, through the door that [JSON] is. Tags stay as they are: none of its readers is a page.
func Lines(w io.Writer) *json.Encoder {
	lines := json.NewEncoder(JSON(w))
	lines.SetEscapeHTML(false)
	return lines
}

// JSON is a door for documents of JSON: what a terminal would obey or a reader would not see, from 0x7f on (C1 controls,
// bidirectional overrides, invisible characters), leaves as \u escapes. A decoder reads the same text as before; the
// controls below are escaped by every encoder already.
func JSON(w io.Writer) io.Writer { return &jsonDoor{w: w} }

type jsonDoor struct {
	w    io.Writer
	rest []byte // the beginning of a character whose end has not come yet
}

// Write writes a part of a document; a character may be cut by its end.
func (d *jsonDoor) Write(p []byte) (int, error) {
	text := p
	if len(d.rest) > 0 {
		text = append(d.rest, p...)
	}
	out, from, i := []byte(nil), 0, 0
	for i < len(text) {
		if text[i] < 0x7f {
			i++
			continue
		}
		if !utf8.FullRune(text[i:]) {
			break
		}
		r, size := utf8.DecodeRune(text[i:])
		if !visible(r) {
			out = appendUnicode(append(out, text[from:i]...), r)
			from = i + size
		}
		i += size
	}
	if out = append(out, text[from:i]...); len(out) > 0 {
		if _, err := d.w.Write(out); err != nil {
			return 0, err
		}
	}
	d.rest = append([]byte(nil), text[i:]...)
	return len(p), nil
}

// appendUnicode appends a character as JSON escapes it: by its UTF-16 code units.
func appendUnicode(b []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Appendf(b, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}

// visible tells whether a character may be printed as it is.
func visible(r rune) bool {
	return r == ' ' || unicode.IsPrint(r) && !unicode.Is(unicode.Bidi_Control, r)
}
