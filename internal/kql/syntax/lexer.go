package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/diag"
)

type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokName
	tokString
	tokLong
	tokReal
	tokTimespan
	tokPunct
	tokBad
)

// token is one lexical unit. Text is the value of a string with its escapes resolved, else the source text.
type token struct {
	kind tokenKind
	text string
	span diag.Span
}

// lexer splits a text into tokens; the last one is tokEOF. Comments and blanks vanish.
type lexer struct {
	src  string
	pos  int
	list *diag.List
}

func (l *lexer) skipBlanks() {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v':
			l.pos++
		case c == '/':
			if !strings.HasPrefix(l.src[l.pos:], "//") {
				return
			}
			if end := strings.IndexByte(l.src[l.pos:], '\n'); end >= 0 {
				l.pos += end
			} else {
				l.pos = len(l.src)
			}
		case c < utf8.RuneSelf:
			return
		default:
			r, size := utf8.DecodeRuneInString(l.src[l.pos:])
			if !unicode.IsSpace(r) && r != '\ufeff' && r != '\u200b' {
				return
			}
			l.pos += size
		}
	}
}

// seconds are the characters that make an operator of two with the one before.
var seconds = [utf8.RuneSelf]string{'<': "|=>", '>': "=", '=': "=~>", '!': "=~", '.': "."}

func (l *lexer) next() token {
	l.skipBlanks()
	start := l.pos
	if start >= len(l.src) {
		return token{kind: tokEOF, span: diag.Span{Start: diag.Pos(start), End: diag.Pos(start)}}
	}
	c := l.src[start]
	switch {
	case isNameStart(c):
		if t, ok := l.prefixedString(); ok {
			return t
		}
		return l.name()
	case c >= '0' && c <= '9':
		return l.number()
	case c == '"' || c == '\'':
		return l.quoted(start)
	case c == '@' && start+1 < len(l.src) && (l.src[start+1] == '"' || l.src[start+1] == '\''):
		return l.verbatim(start, start+1)
	case strings.HasPrefix(l.src[start:], "```") || strings.HasPrefix(l.src[start:], "~~~"):
		return l.multiline(start)
	}
	if c < utf8.RuneSelf && start+1 < len(l.src) && strings.IndexByte(seconds[c], l.src[start+1]) >= 0 {
		l.pos += 2
		return l.token(tokPunct, start)
	}
	if strings.IndexByte("|;,()[]{}=<>+-*/%:.!$?", c) >= 0 {
		l.pos++
		if c == '$' && l.pos < len(l.src) && isNameStart(l.src[l.pos]) {
			for l.pos < len(l.src) && isNamePart(l.src[l.pos]) {
				l.pos++
			}
			return l.token(tokName, start)
		}
		return l.token(tokPunct, start)
	}
	_, size := utf8.DecodeRuneInString(l.src[start:])
	l.pos += size
	l.fail(start, "unexpected character %q", l.src[start:l.pos])
	return l.token(tokBad, start)
}

func (l *lexer) token(kind tokenKind, start int) token {
	return token{kind: kind, text: l.src[start:l.pos], span: diag.Span{Start: diag.Pos(start), End: diag.Pos(l.pos)}}
}

func (l *lexer) fail(start int, format string, args ...any) {
	l.list.Add(syntaxError(diag.Span{Start: diag.Pos(start), End: diag.Pos(l.pos)}, "", format, args...))
}

func isNameStart(c byte) bool { return inNames[c] == starts }

func isNamePart(c byte) bool { return inNames[c] != 0 }

// starts and continues tell in inNames whether a name may begin with a byte, or only go on with it.
const (
	starts = iota + 1
	continues
)

var inNames = func() (in [256]byte) {
	for c := range len(in) {
		switch {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			in[c] = starts
		case c >= '0' && c <= '9':
			in[c] = continues
		}
	}
	return in
}()

func (l *lexer) name() token {
	start, end := l.pos, l.pos+1
	for end < len(l.src) && isNamePart(l.src[end]) {
		end++
	}
	l.pos = end
	if l.src[start:end] == "in" && strings.HasPrefix(l.src[l.pos:], "~") {
		l.pos++ // the operator in~ is one word
	}
	return l.token(tokName, start)
}

// prefixedString reads h'..' and h@'..', strings that logs do not show.
func (l *lexer) prefixedString() (token, bool) {
	rest := l.src[l.pos:]
	if rest[0] != 'h' && rest[0] != 'H' || len(rest) < 2 {
		return token{}, false
	}
	start := l.pos
	switch {
	case rest[1] == '"' || rest[1] == '\'':
		l.pos++
		return l.quotedAt(start), true
	case rest[1] == '@' && len(rest) > 2 && (rest[2] == '"' || rest[2] == '\''):
		return l.verbatim(start, start+2), true
	case strings.HasPrefix(rest[1:], "```") || strings.HasPrefix(rest[1:], "~~~"):
		l.pos++
		return l.multiline(start), true
	}
	return token{}, false
}

// number reads 1, 0x1F, 1.5, 1e3, and timespans such as 1d, 2.5h, 10ms.
func (l *lexer) number() token {
	start := l.pos
	digits := func() {
		for l.pos < len(l.src) && l.src[l.pos] >= '0' && l.src[l.pos] <= '9' {
			l.pos++
		}
	}
	if strings.HasPrefix(l.src[start:], "0x") || strings.HasPrefix(l.src[start:], "0X") {
		l.pos += 2
		for l.pos < len(l.src) && isNamePart(l.src[l.pos]) {
			l.pos++
		}
		return l.token(tokLong, start)
	}
	digits()
	kind := tokLong
	if l.pos+1 < len(l.src) && l.src[l.pos] == '.' && l.src[l.pos+1] >= '0' && l.src[l.pos+1] <= '9' {
		kind = tokReal
		l.pos++
		digits()
	} else if l.pos < len(l.src) && l.src[l.pos] == '.' && !strings.HasPrefix(l.src[l.pos:], "..") && !l.nameFollows(l.pos+1) {
		kind = tokReal
		l.pos++
	}
	if l.exponent() {
		kind = tokReal
	}
	if end := l.pos; l.nameFollows(end) {
		for l.pos < len(l.src) && isNamePart(l.src[l.pos]) {
			l.pos++
		}
		if timespanUnits[l.src[end:l.pos]] {
			return l.token(tokTimespan, start)
		}
		if kind == tokReal {
			l.pos = end
			return l.token(kind, start)
		}
		return l.token(tokName, start) // a name that begins with digits, such as a column 4625x
	}
	return l.token(kind, start)
}

func (l *lexer) nameFollows(at int) bool { return at < len(l.src) && isNameStart(l.src[at]) }

func (l *lexer) exponent() bool {
	i := l.pos
	if i >= len(l.src) || l.src[i] != 'e' && l.src[i] != 'E' {
		return false
	}
	i++
	if i < len(l.src) && (l.src[i] == '+' || l.src[i] == '-') {
		i++
	}
	from := i
	for i < len(l.src) && l.src[i] >= '0' && l.src[i] <= '9' {
		i++
	}
	if i == from {
		return false
	}
	l.pos = i
	return true
}

// timespanUnits are the suffixes of timespan literals.
// https://learn.microsoft.com/kusto/query/scalar-data-types/timespan#timespan-literals
var timespanUnits = func() map[string]bool {
	m := map[string]bool{}
	for u := range strings.FieldsSeq("d day days h hr hrs hour hours m min minute minutes s sec second seconds ms milli millis millisec millisecond milliseconds micro micros microsec microsecond microseconds nano nanos nanosec nanosecond nanoseconds tick ticks") {
		m[u] = true
	}
	return m
}()

func (l *lexer) quoted(start int) token { return l.quotedAt(start) }

// quotedAt reads a string with escapes; l.pos is at the quote, start at the token's begin.
func (l *lexer) quotedAt(start int) token {
	quote := l.src[l.pos]
	l.pos++
	for end := l.pos; end < len(l.src); end++ { // most have nothing in them that stands for another
		switch c := l.src[end]; c {
		case quote:
			t := token{kind: tokString, text: l.src[l.pos:end], span: diag.Span{Start: diag.Pos(start), End: diag.Pos(end + 1)}}
			l.pos = end + 1
			return t
		case '\n', '\r', '\\':
			return l.escaped(start, quote)
		}
	}
	return l.escaped(start, quote)
}

// escaped reads the rest of a string with escapes behind the quote.
func (l *lexer) escaped(start int, quote byte) token {
	var b strings.Builder
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch c {
		case quote:
			l.pos++
			return token{kind: tokString, text: b.String(), span: diag.Span{Start: diag.Pos(start), End: diag.Pos(l.pos)}}
		case '\n', '\r':
			l.fail(start, "this string has no end before the line's end")
			return token{kind: tokString, text: b.String(), span: diag.Span{Start: diag.Pos(start), End: diag.Pos(l.pos)}}
		case '\\':
			l.escape(&b)
		default:
			b.WriteByte(c)
			l.pos++
		}
	}
	l.fail(start, "this string has no end")
	return token{kind: tokString, text: b.String(), span: diag.Span{Start: diag.Pos(start), End: diag.Pos(l.pos)}}
}

var simpleEscapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'a': '\a', 'v': '\v', '0': 0, '\\': '\\', '"': '"', '\'': '\''}

func (l *lexer) escape(b *strings.Builder) {
	at := l.pos
	l.pos++
	if l.pos >= len(l.src) {
		return
	}
	c := l.src[l.pos]
	l.pos++
	if r, ok := simpleEscapes[c]; ok {
		b.WriteByte(r)
		return
	}
	size := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if size == 0 || l.pos+size > len(l.src) {
		l.fail(at, "unknown escape \\%c: write \\\\ for a backslash, or @'...' for a verbatim string", c)
		return
	}
	var r rune
	for _, h := range []byte(l.src[l.pos : l.pos+size]) {
		d := strings.IndexByte("0123456789abcdef", h|0x20)
		if d < 0 || r > utf8.MaxRune {
			l.fail(at, "bad escape")
			return
		}
		r = r<<4 | rune(d)
	}
	l.pos += size
	b.WriteRune(r)
}

// verbatim reads @'..', in which only the doubled quote is special.
func (l *lexer) verbatim(start, quoteAt int) token {
	quote := l.src[quoteAt]
	l.pos = quoteAt + 1
	var b strings.Builder
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		l.pos++
		if c != quote {
			b.WriteByte(c)
			continue
		}
		if l.pos < len(l.src) && l.src[l.pos] == quote {
			b.WriteByte(quote)
			l.pos++
			continue
		}
		return token{kind: tokString, text: b.String(), span: diag.Span{Start: diag.Pos(start), End: diag.Pos(l.pos)}}
	}
	l.fail(start, "this string has no end")
	return token{kind: tokString, text: b.String(), span: diag.Span{Start: diag.Pos(start), End: diag.Pos(l.pos)}}
}

func (l *lexer) multiline(start int) token {
	fence := l.src[l.pos : l.pos+3]
	from := l.pos + 3
	end := strings.Index(l.src[from:], fence)
	if end < 0 {
		l.pos = len(l.src)
		l.fail(start, "this string has no end: %s is missing", fence)
		return token{kind: tokString, text: l.src[from:], span: diag.Span{Start: diag.Pos(start), End: diag.Pos(l.pos)}}
	}
	l.pos = from + end + 3
	return token{kind: tokString, text: l.src[from : from+end], span: diag.Span{Start: diag.Pos(start), End: diag.Pos(l.pos)}}
}
