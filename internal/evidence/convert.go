package evidence

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"

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
	"list":          {asList, "a JSON list of one text or object, of a list as it is"},
	"number":        {asNumber, "a JSON number, where the text is one"},
	"bool":          {asBool, "a JSON bool, where the text is one"},
	"epoch":         {asEpoch, "a time of seconds since 1970"},
	"zoned_time":    {zonedTime, "a time that must say its zone"},
	"nested":        {nested, "JSON as the service writes it: keys in PascalCase or snake_case become camelCase, members 0, 1 and so on a list, `@{name=value}` and `class X {` with a member a line an object, and the name of a type nothing"},
	"code":          {code, "a number, nothing otherwise"},
	"pairs":         {pairs, "a list of `{key, value}` of an object, one a member"},
	"whole":         {whole, "a number without decimals that are all zero, anything else as it is"},
	"words":         {words, "the elements of a list, separated by blanks"},
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

// paired is the Value of the pair that has a Name, of a list of pairs, which may be in a string.
func paired(d *Decoder, v Span, name string) Span {
	list := v.Bytes
	if v.Kind == Escaped {
		list = d.unescaped(list)
	}
	if at := blanks(list, 0); at >= len(list) || list[at] != '[' || v.Kind == Object {
		return Span{}
	}
	for _, pair := range listOf(list) {
		var key, found Span
		if pair.Kind != Object {
			continue
		}
		_, _ = members(pair.Bytes, 0, 0, func(_ int, member []byte, v Span) error {
			switch fold(string(member), false) {
			case "name":
				key = v
			case "value":
				found = v
			}
			return nil
		})
		if fold(string(d.text(key)), false) == fold(name, false) {
			return found
		}
	}
	return Span{}
}

func asList(d *Decoder, v Span) (Span, error) {
	if text := bytes.TrimSpace(d.text(v)); v.Kind == Array || len(text) > 0 && text[0] == '[' {
		return v, nil
	}
	if v.Kind == Object {
		return Span{append(append([]byte{'['}, v.Bytes...), ']'), Array}, nil
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

var textTrue, textFalse = []byte("true"), []byte("false")

func asBool(d *Decoder, v Span) (Span, error) {
	switch n, ok := boolean(Span{bytes.TrimSpace(d.text(v)), v.Kind}); {
	case !ok:
		return v, nil
	case n == 1:
		return Span{textTrue, True}, nil
	}
	return Span{textFalse, False}, nil
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

// code is a number, or the text of one.
func code(d *Decoder, v Span) (Span, error) {
	if v, err := asNumber(d, v); v.Kind == Number {
		return v, err
	}
	return Span{}, nil
}

// pairs is a list of an object's members, as the service writes details: each with its name as key.
func pairs(_ *Decoder, v Span) (Span, error) {
	if v.Kind != Object {
		return v, nil
	}
	out := []byte{'['}
	_, err := members(v.Bytes, 0, 0, func(n int, name []byte, v Span) error {
		if n > 0 {
			out = append(out, ',')
		}
		out = append(append(out, `{"key":"`...), name...)
		out = append(append(append(out, `","value":`...), quoted(v)...), '}')
		return nil
	})
	return Span{append(out, ']'), Array}, err
}

// whole undoes what spreadsheets, data frames and decimals make of a number that is a code: 50126.0.
func whole(d *Decoder, v Span) (Span, error) {
	if v.Kind == Number || v.Kind == Text {
		v.Bytes = withoutZeros(v.Bytes)
	}
	return v, nil
}

// withoutZeros is a number without decimals that are all zero; what is none stays as it is.
func withoutZeros(text []byte) []byte {
	before, decimals, found := bytes.Cut(text, []byte{'.'})
	if !found || len(decimals) == 0 || len(bytes.Trim(decimals, "0")) > 0 || len(before) == 0 {
		return text
	}
	if end, err := numberEnd(text, 0); err != nil || end != len(text) {
		return text
	}
	return before
}

// words are the elements of a list of texts in one text.
func words(_ *Decoder, v Span) (Span, error) {
	if v.Kind != Array {
		return v, nil
	}
	var out []byte
	for i, e := range listOf(v.Bytes) {
		if i > 0 {
			out = append(out, ' ')
		}
		if e.Kind == Escaped {
			out = unescape(out, e.Bytes)
		} else {
			out = append(out, e.Bytes...)
		}
	}
	return Span{out, Text}, nil
}

// listOf are the elements of a JSON list that has been validated.
func listOf(b []byte) (out []Span) {
	for i := blanks(b, 1); i < len(b) && b[i] != ']'; i = blanks(b, i) {
		end, kind, err := value(b, i, 0)
		if err != nil {
			return out
		}
		out = append(out, span(b, i, end, kind))
		if i = blanks(b, end); i < len(b) && b[i] == ',' {
			i++
		}
	}
	return out
}

// quoted is a value as it stands in JSON.
func quoted(v Span) []byte {
	if v.Kind == Text || v.Kind == Escaped {
		return append(append([]byte{'"'}, v.Bytes...), '"')
	}
	return v.Bytes
}

// printed reports whether an object that PowerShell printed may begin with a byte.
func printed(first byte) bool { return first == '@' || first == 'c' }

// printedObject is the JSON object of one that PowerShell printed as text; nil for other texts, and for one that would be no
// JSON, such as one that nests too deep: what is dynamic must be JSON.
func printedObject(text []byte) []byte {
	object := hashTable(text)
	if object == nil {
		object = classText(text)
	}
	if end, _, err := value(object, 0, 0); err != nil || end != len(object) {
		return nil
	}
	return object
}

// hashTable is the JSON object of a table that PowerShell printed as `@{name=value; name=value}`; nil for other texts. A
// value that holds a semicolon cannot be told from two, so that what follows it is part of it unless it has a name.
func hashTable(text []byte) []byte {
	inside, isTable := bytes.CutPrefix(text, []byte("@{"))
	inside, isWhole := bytes.CutSuffix(inside, []byte("}"))
	if !isTable || !isWhole {
		return nil
	}
	var names, values []string
	for part := range strings.SplitSeq(string(inside), "; ") {
		name, value, isPair := strings.Cut(part, "=")
		switch name = strings.TrimSpace(name); {
		case isPair && name != "" && !strings.ContainsAny(name, " {(\"'"):
			names, values = append(names, name), append(values, value)
		case len(values) > 0:
			values[len(values)-1] += "; " + part
		}
	}
	out := []byte{'{'}
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendJSONString(out, []byte(name)), ':')
		if blankCell([]byte(values[i])) || strings.HasPrefix(values[i], "System.") {
			out = append(out, "null"...)
		} else {
			out = appendCellValue(out, []byte(values[i]), 1)
		}
	}
	return append(out, '}')
}

// classText is the JSON object of a value that the AzureAD module printed, a member a line and others inside of it:
//
//	class DeviceDetail {
//	  Browser: Edge 120
//	  IsManaged: True
//	}
//
// It is nil for other texts.
func classText(text []byte) []byte {
	if text = bytes.TrimSpace(text); !bytes.HasPrefix(text, []byte("class ")) { // before all of it is cut into lines
		return nil
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 2 || !opensClass(lines[0]) {
		return nil
	}
	out, open, first := []byte{'{'}, 1, true
	for _, line := range lines[1:] {
		line = strings.TrimSpace(line)
		if line == "}" {
			out, open, first = append(out, '}'), open-1, false
			if open < 0 { // it closes what nothing opened
				return nil
			}
			continue
		}
		name, value, isPair := strings.Cut(line, ":")
		if !isPair || open == 0 {
			continue // the blank line behind a class, or more of a value that has lines of its own
		}
		if !first {
			out = append(out, ',')
		}
		out = append(appendJSONString(out, []byte(strings.TrimSpace(name))), ':')
		value = strings.TrimSpace(value)
		switch first = opensClass(value); {
		case first:
			out, open = append(out, '{'), open+1
		case value == "":
			out = append(out, "null"...)
		default:
			out = appendCellValue(out, []byte(value), 1)
		}
	}
	if open != 0 {
		return nil
	}
	return out
}

func opensClass(line string) bool {
	return strings.HasPrefix(line, "class ") && strings.HasSuffix(strings.TrimSpace(line), "{")
}

// nested undoes what tools make of objects and lists: PowerShell's SDK gives keys a capital, Elastic and SQL write them in
// snake_case and lists as objects whose keys count from 0, and PowerShell prints `@{name=value; name=value}`, `class X {`
// with a member a line, or the name of a type of which nothing is left. What is no object, list or such a text stays as it is.
func nested(d *Decoder, v Span) (Span, error) {
	switch v.Kind {
	case Text, Escaped:
		text := bytes.TrimSpace(d.text(v))
		if len(text) > 0 && printed(text[0]) {
			if object := printedObject(text); object != nil {
				return nested(d, Span{object, Object})
			}
		}
		if printedType(text) {
			return Span{}, nil
		}
	case Object, Array:
		snake := d.prog.shape.Snake && bytes.IndexByte(v.Bytes, '_') >= 0
		if snake || capital(v.Bytes) {
			v.Bytes = camelKeys(v.Bytes)
		}
		if d.prog.shape.Snake && hasZero(v.Bytes) {
			v.Bytes = uncounted(nil, v.Bytes)
			v.Kind = Kind(v.Bytes[0])
		}
	}
	return v, nil
}

// hasZero reports whether some object in JSON may have the key 0. To look for its first quote would stop at each member.
func hasZero(b []byte) bool {
	return bytes.Contains(b, []byte(`0":`)) && bytes.Contains(b, []byte(`"0":`))
}

// capital reports whether the first key of JSON begins with a capital: then all do.
func capital(b []byte) bool {
	at := bytes.IndexByte(b, '"')
	return at >= 0 && at+1 < len(b) && b[at+1] >= 'A' && b[at+1] <= 'Z'
}

// printedType reports whether a text is the name of a type, which PowerShell writes for a value that is no text.
func printedType(text []byte) bool {
	return (bytes.HasPrefix(text, []byte("Microsoft.Graph.")) || bytes.HasPrefix(text, []byte("System."))) && typeName.Match(text)
}

// typeName is a name of a type that stands for a list or an object: of no text that a log would have.
var typeName = regexp.MustCompile(`^(?:Microsoft\.Graph\.(?:PowerShell|Beta)\.[\w.]*Models\.[\w.]+|System\.(?:Object|String|Collections\.[\w.]+(?:` + "`" + `\d\[[\w.,]+\])?))(?:\[\])?$`)

// uncounted appends JSON in which each object whose keys count from 0 has become the list of its values.
func uncounted(dst, b []byte) []byte {
	if len(b) == 0 || b[0] != '{' && b[0] != '[' {
		return append(dst, b...)
	}
	var names [][]byte
	var values []Span
	counts := true
	if b[0] == '[' {
		values = listOf(b)
	} else {
		_, _ = members(b, 0, 0, func(n int, name []byte, v Span) error {
			names, values = append(names, name), append(values, v)
			counts = counts && string(name) == strconv.Itoa(n)
			return nil
		})
		counts = counts && len(values) > 0
	}
	brackets := "{}"
	if counts {
		brackets = "[]"
	}
	dst = append(dst, brackets[0])
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		if !counts {
			dst = append(append(append(dst, '"'), names[i]...), '"', ':')
		}
		dst = uncounted(dst, quoted(v))
	}
	return append(dst, brackets[1])
}

// camelKeys is JSON with its keys in camelCase.
func camelKeys(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '"' {
			out = append(out, b[i])
			continue
		}
		end := min(skipString(b, i+1)+1, len(b))
		if at := blanks(b, end); at >= len(b) || b[at] != ':' {
			out = append(out, b[i:end]...)
			i = end - 1
			continue
		}
		out = camelName(append(out, '"'), b[i+1:end])
		i = end - 1
	}
	return out
}

// camelName appends a key in camelCase. Of capitals in a row, such as those of IPAddress, the last one begins the next word.
func camelName(dst, name []byte) []byte {
	first, upper := true, false
	for i, c := range name {
		switch {
		case c == '_' && !first:
			upper = true
			continue
		case first && c >= 'A' && c <= 'Z':
			wordAhead := i > 0 && i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z'
			if first = !wordAhead; first {
				c += 'a' - 'A'
			}
		case upper && c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
			fallthrough
		default:
			first = false
		}
		upper = false
		dst = append(dst, c)
	}
	return dst
}

// part is a part of `City, State, CC`, counted from the right: a city may hold commas.
func part(d *Decoder, v Span, which int) Span {
	rest, country := cutLast(d.text(v))
	city, state := cutLast(rest)
	switch {
	case which == 2:
		return Span{bytes.TrimSpace(country), Text}
	case rest == nil:
		return Span{}
	case which == 0 && city == nil: // `City, CC`
		city = state
	case city == nil:
		return Span{}
	}
	if which == 1 {
		city = state
	}
	return Span{bytes.TrimSpace(city), Text}
}

// cutLast cuts a text at its last comma; before is nil where there is none.
func cutLast(text []byte) (before, after []byte) {
	for at := len(text) - 2; at >= 0; at-- {
		if text[at] == ',' && text[at+1] == ' ' {
			return text[:at], text[at+2:]
		}
	}
	return nil, text
}
