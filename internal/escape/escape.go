// Package escape owns the doors through which hostile text leaves: terminal, JSON, CSV and Excel, Markdown, pages. The markup
// of HTML is html/template's. Evidence is written by attackers: user agents, application names, file contents.
package escape

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Terminal makes text safe to print: control characters, escape sequences, bidirectional overrides and bytes that are
// not UTF-8 become visible escapes. Line ends become \n, so that text stays on its line.
func Terminal(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteByte(' ')
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, `\x%02x`, r)
		case !visible(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// Page makes text safe for a page of HTML or SVG, but for the markup: what nobody sees, and what turns around the text that is
// seen, becomes U+FFFD, and a space of any width a blank.
func Page(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case visible(r):
			return r
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		return unicode.ReplacementChar
	}, s)
}

// CSVCell makes text safe for spreadsheets and for whoever prints the file: a cell that would be read as a formula gets
// an apostrophe in front, and control characters become visible.
// https://owasp.org/www-community/attacks/CSV_Injection
func CSVCell(s string) string {
	s = Terminal(s)
	if s != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Markdown makes text safe inside a paragraph or a table cell.
func Markdown(s string) string {
	var b strings.Builder
	for _, r := range Terminal(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_{}[]()#+!|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return links.Replace(b.String())
}

// links breaks what Markdown of some kinds makes a link of by itself.
var links = strings.NewReplacer("://", `:\//`, "www.", `www\.`)
