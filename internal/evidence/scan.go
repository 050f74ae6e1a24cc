package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a JSON record.
const maxDepth = 512

// Kind is what a member's value is in JSON.
type Kind byte

// The kinds of a value.
const (
	Absent  Kind = 0
	Text    Kind = 's' // a string without escapes
	Escaped Kind = 'e' // a string with escapes
	Number  Kind = 'n'
	True    Kind = 't'
	False   Kind = 'f'
	Null    Kind = 'z'
	Object  Kind = '{'
	Array   Kind = '['
)

// Span is one value in the bytes of a record: a string's inside, or the literal's or composite's text.
type Span struct {
	Bytes []byte
	Kind  Kind
}

// ScanError is where and why a record is not JSON. Column counts bytes from 1.
type ScanError struct {
	Column int
	Code   string
	Reason string

	early    bool // it ends before it is whole
	unplaced bool // no table was found for the record: another shape may know one
}

func (e *ScanError) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Reason) }

func bad(at int, format string, args ...any) error {
	return &ScanError{Column: at + 1, Code: CodeInvalidJSON, Reason: fmt.Sprintf(format, args...)}
}

// cut is the error of a record that ends too early.
func cut(at int, inside string) error {
	return &ScanError{Column: at + 1, Code: CodeTruncated, Reason: "the record ends " + inside, early: true}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func blanks(b []byte, i int) int {
	for i < len(b) && isBlank(b[i]) {
		i++
	}
	return i
}

var special = func() (s [256]bool) {
	for i := range 32 {
		s[i] = true
	}
	s['"'], s['\\'] = true, true
	return s
}()

// specials marks the bytes of a word that are a quote, a backslash or a control character, by their highest bits. Marks
// behind the first one may be wrong. https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
func specials(x uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, back := x^('"'*ones), x^('\\'*ones)
	return ((x-0x20*ones)&^x | (quote-ones)&^quote | (back-ones)&^back) & highs
}

// plainEnd returns the index of the first quote, backslash or control character from i, eight bytes at a step.
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if found := specials(binary.LittleEndian.Uint64(b[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && !special[b[i]] {
		i++
	}
	return i
}

// stringEnd returns the index after a string whose inside begins at i.
func stringEnd(b []byte, i int) (end int, escaped bool, err error) {
	for {
		i = plainEnd(b, i)
		if i >= len(b) {
			return i, escaped, cut(i, "inside a string")
		}
		switch b[i] {
		case '"':
			return i + 1, escaped, nil
		case '\\':
			escaped = true
			if i, err = escapeEnd(b, i+1); err != nil {
				return i, escaped, err
			}
		default:
			return i, escaped, bad(i, "control character 0x%02x in a string", b[i])
		}
	}
}

func escapeEnd(b []byte, i int) (int, error) {
	if i >= len(b) {
		return i, cut(i, "inside an escape")
	}
	if escapes[b[i]] != 0 {
		return i + 1, nil
	}
	if b[i] != 'u' {
		return i, bad(i, "unknown escape \\%c", b[i])
	}
	r, ok := hex4(b, i+1)
	if !ok {
		return i, bad(i, "bad \\u escape")
	}
	if !utf16.IsSurrogate(r) {
		return i + 5, nil
	}
	if low, ok := hex4(b, i+7); ok && b[i+5] == '\\' && b[i+6] == 'u' && utf16.DecodeRune(r, low) != utf8.RuneError {
		return i + 11, nil
	}
	return i, bad(i, "half of a surrogate pair")
}

func hex4(b []byte, i int) (rune, bool) {
	if i < 0 || i+4 > len(b) {
		return 0, false
	}
	var r rune
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// value returns the index after the value at i and its kind.
func value(b []byte, i, depth int) (end int, kind Kind, err error) {
	if i >= len(b) {
		return i, 0, cut(i, "where a value is expected")
	}
	if depth > maxDepth {
		return i, 0, &ScanError{Column: i + 1, Code: CodeTooDeep, Reason: fmt.Sprintf("nested deeper than %d", maxDepth)}
	}
	switch c := b[i]; {
	case c == '"':
		end, escaped, err := stringEnd(b, i+1)
		if escaped {
			return end, Escaped, err
		}
		return end, Text, err
	case c == '{':
		end, err := members(b, i, depth, nil)
		return end, Object, err
	case c == '[':
		end, err := elements(b, i, depth)
		return end, Array, err
	case c == 't' && bytes.HasPrefix(b[i:], []byte("true")):
		return i + 4, True, nil
	case c == 'f' && bytes.HasPrefix(b[i:], []byte("false")):
		return i + 5, False, nil
	case c == 'n' && bytes.HasPrefix(b[i:], []byte("null")):
		return i + 4, Null, nil
	case c == '-' || c >= '0' && c <= '9':
		end, err := numberEnd(b, i)
		return end, Number, err
	}
	return i, 0, bad(i, "a value is expected, found %q", b[i])
}

func numberEnd(b []byte, i int) (int, error) {
	start := i
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if b[i] == '-' {
		i++
	}
	leadingZero := i < len(b) && b[i] == '0'
	from := i
	if !digits() || leadingZero && i-from > 1 {
		return i, bad(start, "not a number")
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return i, bad(start, "not a number")
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return i, bad(start, "not a number")
		}
	}
	return i, nil
}

func elements(b []byte, i, depth int) (int, error) {
	i = blanks(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for {
		var err error
		if i, _, err = value(b, blanks(b, i), depth+1); err != nil {
			return i, err
		}
		i = blanks(b, i)
		if i >= len(b) {
			return i, cut(i, "inside an array")
		}
		switch b[i] {
		case ']':
			return i + 1, nil
		case ',':
			i++
		default:
			return i, bad(i, "expected `,` or `]`, found %q", b[i])
		}
	}
}

// objectStart passes over the brace at i, and over the other one of an empty object.
func objectStart(b []byte, i int) (next int, done bool, err error) {
	i = blanks(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1, true, nil
	}
	return i, false, nil
}

// memberName reads the name of a member and returns where its value begins.
func memberName(b []byte, i int) (name []byte, at int, err error) {
	i = blanks(b, i)
	if i >= len(b) {
		return nil, i, cut(i, "inside an object")
	}
	if b[i] != '"' {
		return nil, i, bad(i, "the name of a member is expected")
	}
	end, _, err := stringEnd(b, i+1)
	if err != nil {
		return nil, i, err
	}
	name = b[i+1 : end-1]
	i = blanks(b, end)
	if i >= len(b) {
		return nil, i, cut(i, "inside an object")
	}
	if b[i] != ':' {
		return nil, i, bad(i, "expected `:`")
	}
	return name, blanks(b, i+1), nil
}

// memberEnd passes over what follows a member's value.
func memberEnd(b []byte, i int) (next int, done bool, err error) {
	i = blanks(b, i)
	if i >= len(b) {
		return i, true, cut(i, "inside an object")
	}
	switch b[i] {
	case '}':
		return i + 1, true, nil
	case ',':
		return i + 1, false, nil
	}
	return i, true, bad(i, "expected `,` or `}`, found %q", b[i])
}

// members walks an object that begins at i; visit sees each member's name (raw) and value.
func members(b []byte, i, depth int, visit func(n int, name []byte, v Span) error) (int, error) {
	i, done, err := objectStart(b, i)
	for n := 0; !done && err == nil; n++ {
		name, at, err := memberName(b, i)
		if err != nil {
			return at, err
		}
		end, kind, err := value(b, at, depth+1)
		if err != nil {
			return end, err
		}
		if visit != nil {
			if err := visit(n, name, span(b, at, end, kind)); err != nil {
				return at, err
			}
		}
		if i, done, err = memberEnd(b, end); err != nil {
			return i, err
		}
	}
	return i, err
}

// span is the value between at and end: of a string what is inside the quotes.
func span(b []byte, at, end int, kind Kind) Span {
	if kind == Text || kind == Escaped {
		return Span{b[at+1 : end-1], kind}
	}
	return Span{b[at:end], kind}
}

// errNoObject says that a record is JSON of another kind than an object.
var errNoObject = errors.New("the record is not a JSON object")

// scanObject validates a whole record and shows its members.
func scanObject(b []byte, visit func(n int, name []byte, v Span) error) error {
	i := blanks(b, 0)
	if i >= len(b) || b[i] != '{' {
		return &ScanError{Column: i + 1, Code: CodeInvalidJSON, Reason: errNoObject.Error()}
	}
	end, err := members(b, i, 0, visit)
	if err != nil {
		return err
	}
	if end = blanks(b, end); end != len(b) {
		return bad(end, "more data behind the record")
	}
	return nil
}

// escapes are the characters that a backslash and a letter stand for; 0 for what is no such letter.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// copyPlain copies what stands before the first special character, and says how much that is. Of dst, which has eight bytes
// more than b at least, it may write some beyond.
func copyPlain(dst, b []byte) (n int) {
	for n+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[n:])
		binary.LittleEndian.PutUint64(dst[n:], x)
		if found := specials(x); found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
		n += 8
	}
	for n < len(b) && !special[b[n]] {
		dst[n] = b[n]
		n++
	}
	return n
}

// unquote appends the value of a string from i on, which is inside it, and returns the index after the closing quote. It
// copies while it looks for what ends the copying: JSON in a string has an escape every few bytes.
func unquote(dst, b []byte, i int) (out []byte, end int, err error) {
	n := len(dst)
	dst = slices.Grow(dst, len(b)-i+8)
	dst = dst[:cap(dst)]
	for {
		plain := copyPlain(dst[n:], b[i:])
		i, n = i+plain, n+plain
		switch {
		case i >= len(b):
			return dst[:n], i, cut(i, "inside a string")
		case b[i] == '"':
			return dst[:n], i + 1, nil
		case b[i] != '\\':
			return dst[:n], i, bad(i, "control character 0x%02x in a string", b[i])
		}
		if i+1 < len(b) && escapes[b[i+1]] != 0 {
			dst[n] = escapes[b[i+1]]
			i, n = i+2, n+1
			continue
		}
		after, err := escapeEnd(b, i+1)
		if err != nil {
			return dst[:n], after, err
		}
		r, _ := hex4(b, i+2)
		if utf16.IsSurrogate(r) {
			low, _ := hex4(b, i+8)
			r = utf16.DecodeRune(r, low)
		}
		i, n = after, n+utf8.EncodeRune(dst[n:], r)
	}
}

// unescape appends the value of a string's inside, which has been validated.
func unescape(dst, s []byte) []byte {
	dst, _, _ = unquote(dst, s, 0)
	return dst
}
