package evidence

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// pythonDepth bounds how deep what Python printed may nest.
const pythonDepth = 50

// printedByPython reports whether a text may be an object or a list as Python prints them: data frames write nested values
// so. https://docs.python.org/3/library/functions.html#repr
func printedByPython(text []byte) bool {
	if len(text) < 4 || text[0] != '{' && text[0] != '[' {
		return false
	}
	inside := bytes.TrimLeft(text, "[{")
	return len(inside) > 0 && (inside[0] == '\'' || inside[0] == '"' && bytes.IndexByte(text, '\'') > 0)
}

// pythonJSON is the JSON of what Python printed; nil for any other text, such as JSON.
func pythonJSON(text []byte) []byte {
	if end, _, err := value(text, 0, 0); err == nil && end == len(text) {
		return nil
	}
	p := pythonText{in: text}
	if !p.value(0) || len(bytes.TrimSpace(p.in)) > 0 {
		return nil
	}
	return p.out
}

// pythonText is what is left of a text, and the JSON of what went before.
type pythonText struct {
	in, out []byte
}

var pythonWords = []struct{ word, json string }{{"True", "true"}, {"False", "false"}, {"None", "null"}, {"nan", "null"}}

// value takes a value off; false when there is none.
func (p *pythonText) value(depth int) bool {
	p.blanks()
	if len(p.in) == 0 || depth > pythonDepth {
		return false
	}
	switch p.in[0] {
	case '{':
		return p.list('}', func() bool { return p.text() && p.mark(':') && p.value(depth+1) })
	case '[':
		return p.list(']', func() bool { return p.value(depth + 1) })
	case '\'', '"':
		return p.text()
	}
	for _, w := range pythonWords {
		if rest, found := bytes.CutPrefix(p.in, []byte(w.word)); found {
			p.in, p.out = rest, append(p.out, w.json...)
			return true
		}
	}
	end, err := numberEnd(p.in, 0)
	if err != nil || end == 0 {
		return false
	}
	p.in, p.out = p.in[end:], append(p.out, p.in[:end]...)
	return true
}

// list takes the members of a list or an object off, and its brackets.
func (p *pythonText) list(closing byte, member func() bool) bool {
	p.out, p.in = append(p.out, p.in[0]), p.in[1:]
	for first := true; ; first = false {
		if p.blanks(); len(p.in) > 0 && p.in[0] == closing {
			p.out, p.in = append(p.out, closing), p.in[1:]
			return true
		}
		if !first && !p.mark(',') || !member() {
			return false
		}
	}
}

func (p *pythonText) blanks() { p.in = bytes.TrimLeft(p.in, " \t\r\n") }

// mark takes a mark off.
func (p *pythonText) mark(c byte) bool {
	if p.blanks(); len(p.in) == 0 || p.in[0] != c {
		return false
	}
	p.out, p.in = append(p.out, c), p.in[1:]
	return true
}

// text takes a text off, in either of the quotes.
func (p *pythonText) text() bool {
	p.blanks()
	if len(p.in) == 0 || p.in[0] != '\'' && p.in[0] != '"' {
		return false
	}
	end := 1
	for end < len(p.in) && p.in[end] != p.in[0] {
		if p.in[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(p.in) {
		return false
	}
	said := []byte(nil)
	for rest := string(p.in[1:end]); rest != ""; {
		if rest[0] == '\\' && (rest[1] == '\'' || rest[1] == '"') {
			said, rest = append(said, rest[1]), rest[2:]
			continue
		}
		c, _, tail, err := strconv.UnquoteChar(rest, 0)
		if err != nil {
			return false
		}
		rest, said = tail, utf8.AppendRune(said, c) // \xe9 is a character in Python, not a byte
	}
	p.in, p.out = p.in[end+1:], appendJSONString(p.out, said)
	return true
}
