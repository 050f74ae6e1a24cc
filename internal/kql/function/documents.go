package function

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// documentFuncs read text that has a structure, and find their way inside of dynamic values.
// https://learn.microsoft.com/kusto/query/scalar-functions#string-functions
var documentFuncs = []Func{
	{Name: "parse_command_line", Signatures: []string{"spelled, string! -> dynamic"}, Go: goCommandLine, Doc: "parse-command-line-function"},
	{Name: "parse_xml", Signatures: []string{"text -> dynamic"}, Go: goParseXML, Naming: NameFirst, Doc: "parse-xml-function"},
	{Name: "extract_json extractjson", Signatures: []string{"string, text -> string"}, Go: goExtractJSON, Typed: 3, Doc: "extract-json-function"},
	{Name: "treepath", Signatures: []string{"array -> dynamic"}, Go: goTreePath, Naming: NamePrefix, Prefix: "tree", Doc: "treepath-function"},
	{Name: "bag_set_key", Signatures: []string{"array, text, value -> dynamic"}, Go: goBagSetKey, NullIn: true, Doc: "bag-set-key-function"},
	{Name: "zip", Signatures: []string{"array, array+ -> dynamic"}, Go: goZip, NullIn: true, Doc: "zip-function"},
}

// documentSteps are called by the binder only.
var documentSteps = []Func{
	{Name: "bag_compact", Signatures: []string{"dynamic -> dynamic"}, Go: goBagCompact, Doc: "pack-all-function"},
	{Name: "has_path", Signatures: []string{"dynamic, string -> bool"}, Go: goHasPath, Doc: "bag-has-key-function"},
}

// goCommandLine splits as Windows' CommandLineToArgvW does: blanks separate, quotes keep together, and backslashes are
// special before a quote only. The program's name, which comes first, knows no backslashes.
// https://learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw
func goCommandLine(args []schema.Value) (schema.Value, error) {
	if args[1] != "windows" {
		return nil, errors.New(`parse_command_line knows the parser "windows" only`)
	}
	line := args[0].(string)
	if line == "" {
		return nil, nil
	}
	var program string
	if rest, quoted := strings.CutPrefix(line, `"`); quoted {
		program, line, _ = strings.Cut(rest, `"`)
	} else if end := strings.IndexAny(line, " \t"); end >= 0 {
		program, line = line[:end], line[end:]
	} else {
		program, line = line, ""
	}
	out := []json.RawMessage{schema.AppendJSON(nil, schema.String, program)}
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return array(out), nil
		}
		var word string
		word, line = commandWord(line)
		out = append(out, schema.AppendJSON(nil, schema.String, word))
	}
}

// commandWord reads one argument.
func commandWord(line string) (word, rest string) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		slashes := len(line[i:]) - len(strings.TrimLeft(line[i:], `\`))
		i += slashes
		switch {
		case i == len(line):
			b.WriteString(line[i-slashes:])
			return b.String(), ""
		case line[i] == '"':
			b.WriteString(strings.Repeat(`\`, slashes/2))
			switch {
			case slashes%2 == 1:
				b.WriteByte('"')
			case quoted && strings.HasPrefix(line[i+1:], `"`): // two quotes inside of quotes are one, and end them
				b.WriteByte('"')
				i++
				quoted = false
			default:
				quoted = !quoted
			}
		case !quoted && (line[i] == ' ' || line[i] == '\t'):
			b.WriteString(strings.Repeat(`\`, slashes))
			return b.String(), line[i:]
		default:
			b.WriteString(strings.Repeat(`\`, slashes))
			b.WriteByte(line[i])
		}
	}
	return b.String(), ""
}

// maxXML is the length of text that parse_xml reads.
const maxXML = 1 << 20

// goParseXML turns an element into a bag: attributes with @, text with #text where there is more, equal names as one
// array; an element that has text alone is that text.
func goParseXML(args []schema.Value) (schema.Value, error) {
	text := args[0].(string)
	if len(text) > maxXML {
		return nil, nil
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // the text has been decoded already
	for {
		t, err := d.RawToken() // which keeps prefixes as they are written
		if err != nil {
			return nil, nil
		}
		if start, ok := t.(xml.StartElement); ok {
			value, err := xmlElement(d, start, 0)
			if err != nil {
				return nil, nil
			}
			for {
				switch t, err := d.RawToken(); {
				case errors.Is(err, io.EOF):
					out := texts()
					out.set(xmlName(start.Name), value, true)
					return out.json(), nil
				case err != nil:
					return nil, nil
				default:
					switch t.(type) {
					case xml.StartElement, xml.EndElement:
						return nil, nil
					}
				}
			}
		}
	}
}

func xmlName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

// maxNesting bounds how deep a document may be.
const maxNesting = 1000

func xmlElement(d *xml.Decoder, start xml.StartElement, depth int) (json.RawMessage, error) {
	if depth > maxNesting {
		return nil, errors.New("the XML is nested too deeply")
	}
	out, text := texts(), strings.Builder{}
	many := map[string][]json.RawMessage{}
	for _, a := range start.Attr {
		out.set("@"+xmlName(a.Name), schema.AppendJSON(nil, schema.String, a.Value), true)
	}
	for {
		t, err := d.RawToken()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			text.Write(bytes.TrimSpace(t))
		case xml.StartElement:
			value, err := xmlElement(d, t, depth+1)
			if err != nil {
				return nil, err
			}
			name := xmlName(t.Name)
			if text.Len() > 0 { // text that came first stands first
				out.set("#text", schema.AppendJSON(nil, schema.String, text.String()), true)
			}
			many[name] = append(many[name], value)
			value = many[name][0]
			if len(many[name]) > 1 {
				value, _ = array(many[name]).(json.RawMessage)
			}
			out.set(name, value, true)
		case xml.EndElement:
			switch {
			case t.Name != start.Name:
				return nil, errors.New("the XML has a tag that ends another one")
			case text.Len() > 0 && len(out.keys) == 0:
				return schema.AppendJSON(nil, schema.String, text.String()), nil
			case len(out.keys) == 0:
				return json.RawMessage("null"), nil
			case text.Len() > 0:
				out.set("#text", schema.AppendJSON(nil, schema.String, text.String()), true)
			}
			value, _ := out.json().(json.RawMessage)
			return value, nil
		}
	}
}

// jsonPath reads a path such as $.a['b'][0]: keys and indexes. ok is false when it is none.
// https://learn.microsoft.com/kusto/query/jsonpath
func jsonPath(path string) (steps []any, ok bool) {
	rest, ok := strings.CutPrefix(path, "$")
	for ok && rest != "" {
		var step string
		switch {
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			step, rest = rest[1:end+1], rest[end+1:]
			ok = step != "" && step != "*"
			steps = append(steps, step)
		case len(rest) > 2 && rest[0] == '[' && (rest[1] == '\'' || rest[1] == '"'):
			step, rest, ok = strings.Cut(rest[2:], rest[1:2]+"]")
			steps = append(steps, step)
		case rest[0] == '[':
			step, rest, ok = strings.Cut(rest[1:], "]")
			n, err := strconv.Atoi(step)
			ok = ok && err == nil
			steps = append(steps, n)
		default:
			return nil, false
		}
	}
	return steps, ok
}

func goExtractJSON(args []schema.Value) (schema.Value, error) {
	steps, ok := jsonPath(args[0].(string))
	if !ok {
		return "", nil
	}
	at := json.RawMessage(args[1].(string))
	if !json.Valid(at) {
		return "", nil
	}
	at, found := follow(at, steps)
	if !found {
		return "", nil
	}
	if canonical(at) == "null" {
		return "", nil
	}
	return text(at), nil
}

// follow goes down a path of keys and indexes.
func follow(at json.RawMessage, steps []any) (json.RawMessage, bool) {
	for _, step := range steps {
		switch s := step.(type) {
		case int:
			list, _ := elements(at)
			if s < 0 {
				s += len(list)
			}
			if s < 0 || s >= len(list) {
				return nil, false
			}
			at = list[s]
		case string:
			b, ok := readBag(at)
			value, has := b.values[s]
			if !ok || !has {
				return nil, false
			}
			at = value
		}
	}
	return at, true
}

// goTreePath lists the paths of a value's members; of an array the first scalar and the first container of a kind stand
// for all.
func goTreePath(args []schema.Value) (schema.Value, error) {
	raw, _ := args[0].(json.RawMessage)
	var out []json.RawMessage
	seen := map[string]bool{}
	treePaths(raw, "", func(path string) {
		if !seen[path] {
			seen[path] = true
			out = append(out, schema.AppendJSON(nil, schema.String, path))
		}
	})
	return array(out), nil
}

func treePaths(v json.RawMessage, path string, emit func(string)) {
	if b, ok := readBag(v); ok {
		for _, k := range b.keys {
			inner := path + "['" + k + "']"
			emit(inner)
			treePaths(b.values[k], inner, emit)
		}
		return
	}
	list, _ := elements(v)
	for _, e := range list {
		emit(path + "[0]")
		treePaths(e, path+"[0]", emit)
	}
}

// goBagSetKey sets a key, or what a path such as $.a.b names.
func goBagSetKey(args []schema.Value) (schema.Value, error) {
	b, ok := readBag(args[0])
	key, isText := args[1].(string)
	if !ok || !isText {
		return nil, nil
	}
	keys := []any{key}
	if strings.HasPrefix(key, "$") {
		if keys, ok = jsonPath(key); !ok || len(keys) == 0 {
			return nil, nil
		}
	}
	if !b.setPath(keys, element(args[2])) {
		return nil, nil
	}
	return b.json(), nil
}

// setPath sets the value at the end of a path of keys, making the bags on the way.
func (b *bag) setPath(keys []any, value json.RawMessage) bool {
	key, ok := keys[0].(string)
	if !ok {
		return false
	}
	if len(keys) > 1 {
		inner, ok := readBag(b.values[key])
		if !ok {
			inner = *texts()
		}
		if !inner.setPath(keys[1:], value) {
			return false
		}
		value, _ = inner.json().(json.RawMessage)
	}
	b.set(key, value, true)
	return true
}

// goZip makes an array of the arrays of the elements that have the same index.
func goZip(args []schema.Value) (schema.Value, error) {
	lists, longest := make([][]json.RawMessage, len(args)), 0
	for i, a := range args {
		list, ok := elements(a)
		if !ok {
			list = []json.RawMessage{}
		}
		lists[i], longest = list, max(longest, len(list))
	}
	out := make([]json.RawMessage, longest)
	for i := range out {
		tuple := make([]json.RawMessage, len(lists))
		for k, list := range lists {
			tuple[k] = json.RawMessage("null")
			if i < len(list) {
				tuple[k] = list[i]
			}
		}
		out[i], _ = array(tuple).(json.RawMessage)
	}
	return array(out), nil
}

// goBagCompact drops the properties that are null or empty text.
func goBagCompact(args []schema.Value) (schema.Value, error) {
	b, ok := readBag(args[0])
	if !ok {
		return nil, nil
	}
	out := texts()
	for _, k := range b.keys {
		if v := canonical(b.values[k]); v != "null" && v != `""` {
			out.set(k, b.values[k], true)
		}
	}
	return out.json(), nil
}
