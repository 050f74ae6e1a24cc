package function

import (
	"encoding/json"
	"fmt"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// shapes are what values of a dynamic column look like: the kinds in the order in which they came.
type shapes struct {
	order []string // "long", .. or "{" for a bag, "[" for an array
	seen  map[string]bool
	keys  []string
	bag   map[string]*shapes
	items *shapes
}

func newShapes() *shapes { return &shapes{seen: map[string]bool{}, bag: map[string]*shapes{}} }

func (s *shapes) add(e json.RawMessage) {
	kind := kindOf(e)
	if kind == "" {
		return
	}
	if !s.seen[kind] {
		s.seen[kind] = true
		s.order = append(s.order, kind)
	}
	switch kind {
	case "{":
		b, _ := readBag(e)
		for _, k := range b.keys {
			if s.bag[k] == nil {
				s.keys, s.bag[k] = append(s.keys, k), newShapes()
			}
			s.bag[k].add(b.values[k])
		}
	case "[":
		if s.items == nil {
			s.items = newShapes()
		}
		list, _ := elements(e)
		for _, item := range list {
			s.items.add(item)
		}
	}
}

// kindOf names the kind of a value, "" for null.
func kindOf(e json.RawMessage) string {
	text := canonical(e)
	switch {
	case text == "null" || text == "":
		return ""
	case text == "true" || text == "false":
		return "bool"
	case text[0] == '"':
		return "string"
	case text[0] == '{' || text[0] == '[':
		return text[:1]
	}
	var n int64
	if json.Unmarshal(e, &n) == nil {
		return "long"
	}
	return "double"
}

// json is the schema: one kind stands for itself, several are listed.
func (s *shapes) json() json.RawMessage {
	var parts []json.RawMessage
	for _, kind := range s.order {
		switch kind {
		case "{":
			out := texts()
			for _, k := range s.keys {
				out.set(k, s.bag[k].json(), true)
			}
			text, _ := out.json().(json.RawMessage)
			parts = append(parts, text)
		case "[":
			out := texts()
			out.set("`indexer`", s.items.json(), true)
			text, _ := out.json().(json.RawMessage)
			parts = append(parts, text)
		default:
			parts = append(parts, schema.AppendJSON(nil, schema.String, kind))
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return mustArray(parts)
}

// buildSchemaOf collects the values in the input's order, else in that of their text.
func buildSchemaOf(c Call) (string, error) {
	x, order := c.Args[0].SQL, c.Args[0].SQL
	if c.Order != "" {
		order = c.Order
	}
	return fmt.Sprintf("kql_go_schema_of_0(CAST(to_json(list(CAST(%s AS JSON) ORDER BY %s) FILTER (WHERE %s IS NOT NULL)) AS VARCHAR))", x, order, x), nil
}

func goSchemaOf(args []schema.Value) (schema.Value, error) {
	list, _ := elements(args[0])
	s := newShapes()
	for _, e := range list {
		s.add(e)
	}
	return s.json(), nil
}
