package diag

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/escape"
)

// maxShown bounds how many diagnostics one text may show; maxLine how much of a source line.
const (
	maxShown = 20
	maxLine  = 160
)

// Render writes every diagnostic of a list: the place, the message, the line with a caret under the fault, the notes and
// what to type instead. Text of the source is made safe for terminals.
func Render(w io.Writer, l *List, color bool) {
	red, blue, plain := "\x1b[1;31m", "\x1b[1;34m", "\x1b[0m"
	if !color {
		red, blue, plain = "", "", ""
	}
	for i, d := range l.Items {
		if i == maxShown {
			_, _ = fmt.Fprintf(w, "and %d more\n", len(l.Items)-maxShown)
			return
		}
		pos := l.Source.Position(d.Span.Start)
		_, _ = fmt.Fprintf(w, "%s:%d:%d: %s%s:%s %s\n", escape.Terminal(l.Source.Name), pos.Line, pos.Column, red, d.Kind.words(), plain, escape.Terminal(d.Message))
		line, under := excerpt(l.Source.Text, d.Span)
		if line != "" {
			_, _ = fmt.Fprintf(w, "    %s\n    %s%s%s\n", line, red, under, plain)
		}
		for _, n := range d.Notes {
			_, _ = fmt.Fprintf(w, "  note: %s\n", escape.Terminal(n))
		}
		if d.Suggestion != "" {
			_, _ = fmt.Fprintf(w, "  %sdid you mean%s %s\n", blue, plain, escape.Terminal(d.Suggestion))
		}
	}
}

// excerpt returns the line in which a span begins and the marks that stand under the span.
func excerpt(text string, s Span) (line, under string) {
	start := min(max(int(s.Start), 0), len(text))
	begin := strings.LastIndexByte(text[:start], '\n') + 1
	end := len(text)
	if k := strings.IndexByte(text[begin:], '\n'); k >= 0 {
		end = begin + k
	}
	stop := min(max(int(s.End), start+1), end)
	before, inside, after := text[begin:start], "", ""
	if start < end {
		inside, after = text[start:max(stop, start)], text[max(stop, start):end]
	}
	before = escape.Terminal(before)
	if n := utf8.RuneCountInString(before); n > maxLine/2 {
		before = "..." + string([]rune(before)[n-maxLine/2:])
	}
	inside, after = clip(escape.Terminal(inside)), clip(escape.Terminal(after))
	marks := max(width(inside), 1)
	return before + inside + after, strings.Repeat(" ", width(before)) + "^" + strings.Repeat("~", marks-1)
}

func clip(s string) string {
	if r := []rune(s); len(r) > maxLine/2 {
		return string(r[:maxLine/2]) + "..."
	}
	return s
}

// width counts the columns of a text on a terminal: characters of East Asian scripts take two.
func width(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300 && r <= 0x1faff) {
			n++
		}
	}
	return n
}

// words is the kind as a person reads it.
func (k Kind) words() string {
	if k == Unsupported {
		return "not supported"
	}
	return string(k) + " error"
}
