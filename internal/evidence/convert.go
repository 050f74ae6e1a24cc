package evidence

import (
	"bytes"
	"math"
	"strconv"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// converter makes another value of a value.
type converter func(d *Decoder, v Span) (Span, error)

// converters are the words that a shape may put behind `as`. Without one, a value becomes what its column's type says:
// text, JSON as text or as dynamic, a time in any of the known forms, a number, a bool.
var converters = map[string]struct {
	convert converter
	doc     string
}{
	"":              {nil, ""},
	"first":         {func(d *Decoder, v Span) (Span, error) { return firstElement(d, v), nil }, "the first element of a list"},
	"list":          {asList, "a JSON list of one text, of a list as it is"},
	"number":        {asNumber, "a JSON number, where the text is one"},
	"bool":          {asBool, "a JSON bool, where the text is one"},
	"epoch":         {asEpoch, "a time of seconds since 1970"},
	"zoned_time":    {zonedTime, "a time that must say its zone"},
	"camel":         {camel, "JSON whose keys in snake_case become camelCase"},
	"printed":       {printed, "nothing, where PowerShell printed the name of a type instead of the value"},
	"place_city":    {func(d *Decoder, v Span) (Span, error) { return part(d, v, 0), nil }, "the city of `City, State, CC`"},
	"place_state":   {func(d *Decoder, v Span) (Span, error) { return part(d, v, 1), nil }, "its state"},
	"place_country": {func(d *Decoder, v Span) (Span, error) { return part(d, v, 2), nil }, "its country"},
}

// firstElement is the first element of a list, which may be in a string; what is no list is itself.
func firstElement(d *Decoder, v Span) Span {
	text := v.Bytes
	if v.Kind == Escaped {
		text = d.unescaped(text)
	}
	i := blanks(text, 0)
	if i >= len(text) || text[i] != '[' || v.Kind == Object {
		return v
	}
	i = blanks(text, i+1)
	end, kind, err := value(text, i, 0)
	if err != nil {
		return Span{}
	}
	return span(text, i, end, kind)
}

func asList(d *Decoder, v Span) (Span, error) {
	if text := bytes.TrimSpace(d.text(v)); v.Kind == Array || len(text) > 0 && text[0] == '[' {
		return v, nil
	}
	return Span{append(appendJSONString([]byte{'['}, d.text(v)), ']'), Array}, nil
}

func asNumber(d *Decoder, v Span) (Span, error) {
	text := bytes.TrimSpace(d.text(v))
	if len(text) == 0 || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return v, nil
	}
	if end, err := numberEnd(text, 0); err != nil || end != len(text) {
		return v, nil
	}
	return Span{text, Number}, nil
}

func asBool(d *Decoder, v Span) (Span, error) {
	switch n, ok := boolean(Span{bytes.TrimSpace(d.text(v)), v.Kind}); {
	case !ok:
		return v, nil
	case n == 1:
		return Span{[]byte("true"), True}, nil
	}
	return Span{[]byte("false"), False}, nil
}

func asEpoch(d *Decoder, v Span) (Span, error) {
	n, err := strconv.ParseFloat(string(bytes.TrimSpace(d.text(v))), 64)
	if err != nil || math.Abs(n) > 1e11 {
		return v, nil
	}
	return Span{[]byte((schema.UnixEpoch + schema.Ticks(n)*schema.Second).RFC3339()), Text}, nil
}

// zonedTime refuses a time without a zone: where the shape gives local times, UTC would be a guess.
func zonedTime(d *Decoder, v Span) (Span, error) {
	text := bytes.TrimSpace(d.text(v))
	if hasZone(text) {
		return v, nil
	}
	return v, &ScanError{Column: 1, Code: CodeAmbiguousTime, Reason: "a local time without its zone: " + strconv.Quote(string(text[:min(len(text), 60)])) + "; export again with times in UTC"}
}

// camel turns the keys of JSON from snake_case into camelCase.
func camel(d *Decoder, v Span) (Span, error) {
	if v.Kind != Object && v.Kind != Array {
		return v, nil
	}
	b := v.Bytes
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '"' {
			out = append(out, b[i])
			continue
		}
		end := min(skipString(b, i+1)+1, len(b))
		if at := blanks(b, end); at < len(b) && b[at] == ':' {
			upper := false
			for _, c := range b[i:end] {
				switch {
				case c == '_':
					upper = true
					continue
				case upper && c >= 'a' && c <= 'z':
					c -= 'a' - 'A'
				}
				upper = false
				out = append(out, c)
			}
		} else {
			out = append(out, b[i:end]...)
		}
		i = end - 1
	}
	return Span{out, v.Kind}, nil
}

// part is a part of `City, State, CC`, counted from the right: a city may hold commas.
func part(d *Decoder, v Span, which int) Span {
	parts := bytes.Split(d.text(v), []byte(", "))
	n := len(parts)
	switch {
	case which == 2:
		return Span{bytes.TrimSpace(parts[n-1]), Text}
	case which == 1 && n > 2:
		return Span{bytes.TrimSpace(parts[n-2]), Text}
	case which == 0 && n > 2:
		return Span{bytes.TrimSpace(bytes.Join(parts[:n-2], []byte(", "))), Text}
	case which == 0 && n == 2:
		return Span{bytes.TrimSpace(parts[0]), Text}
	}
	return Span{}
}

// printed leaves out what PowerShell writes into a CSV for a value that is no text: the name of its type.
func printed(d *Decoder, v Span) (Span, error) {
	text := d.text(v)
	for _, prefix := range []string{"Microsoft.Graph.", "System."} {
		if bytes.HasPrefix(text, []byte(prefix)) {
			return Span{}, nil
		}
	}
	return v, nil
}
