package function

import (
	"bytes"
	"encoding/json"
	"regexp"
	"sort"
	"strconv"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// canonical is the form in which elements are compared.
func canonical(e json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, e) != nil {
		return string(e)
	}
	return b.String()
}

func goSet(op func(lists [][]json.RawMessage) []json.RawMessage) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		lists := make([][]json.RawMessage, len(args))
		for i, a := range args {
			list, ok := elements(a)
			if !ok && a != nil {
				return nil, nil
			}
			lists[i] = list
		}
		return array(op(lists)), nil
	}
}

func unionOf(lists [][]json.RawMessage) []json.RawMessage {
	seen := map[string]bool{}
	var out []json.RawMessage
	for _, list := range lists {
		out = appendNew(out, list, seen)
	}
	return out
}

func appendNew(out, list []json.RawMessage, seen map[string]bool) []json.RawMessage {
	for _, e := range list {
		if k := canonical(e); !seen[k] {
			seen[k] = true
			out = append(out, e)
		}
	}
	return out
}

func setOf(list []json.RawMessage) map[string]bool {
	m := map[string]bool{}
	for _, e := range list {
		m[canonical(e)] = true
	}
	return m
}

func intersectionOf(lists [][]json.RawMessage) []json.RawMessage {
	out := appendNew(nil, lists[0], map[string]bool{})
	for _, list := range lists[1:] {
		has := setOf(list)
		kept := out[:0]
		for _, e := range out {
			if has[canonical(e)] {
				kept = append(kept, e)
			}
		}
		out = kept
	}
	return out
}

func differenceOf(lists [][]json.RawMessage) []json.RawMessage {
	gone := map[string]bool{}
	for _, list := range lists[1:] {
		for _, e := range list {
			gone[canonical(e)] = true
		}
	}
	return appendNew(nil, lists[0], gone)
}

func goSetEquals(args []schema.Value) (schema.Value, error) {
	a, okA := elements(args[0])
	b, okB := elements(args[1])
	if !okA || !okB {
		return nil, nil
	}
	x, y := setOf(a), setOf(b)
	return len(x) == len(y) && len(unionOf([][]json.RawMessage{a, b})) == len(x), nil
}

// sortedFields are the columns of array_sort_asc and array_sort_desc: one for each array.
func sortedFields(args []Field) []Field {
	var out []Field
	for i, a := range args {
		if a.Type == schema.Bool {
			continue
		}
		if a.Name == "" {
			a.Name = "array" + strconv.Itoa(i)
		}
		out = append(out, Field{Name: a.Name + "_sorted", Type: schema.Dynamic})
	}
	return out
}

// The kinds of elements in the order in which they are sorted.
const (
	numberKind = iota // and datetime and timespan
	stringKind
	guidKind
	otherKind
)

var guidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// sortKind tells the kind of an element. Times and guids are texts in JSON, and known by their form.
func sortKind(e json.RawMessage) int {
	var s string
	if json.Unmarshal(e, &s) != nil || len(e) == 0 || e[0] != '"' {
		if _, ok := numberOf(e); ok {
			return numberKind
		}
		return otherKind
	}
	if guidPattern.MatchString(s) {
		return guidKind
	}
	return stringKind
}

// goArraySort sorts the first array, and the others by it: numbers by value, text by ordinal, the one before the other.
// Nulls come last, unless a last argument false says otherwise. One array gives the sorted array, several a list of
// them; an array of another length than the first becomes null.
func goArraySort(desc bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		nullsFirst := false
		if last, ok := args[len(args)-1].(bool); ok {
			nullsFirst, args = !last, args[:len(args)-1]
		}
		first, ok := elements(args[0])
		if !ok {
			return nil, nil
		}
		order := make([]int, len(first))
		for i := range order {
			order[i] = i
		}
		sort.SliceStable(order, func(i, j int) bool {
			a, b := canonical(first[order[i]]), canonical(first[order[j]])
			if a == "null" || b == "null" {
				return (a == "null") == nullsFirst && a != b
			}
			if x, y := sortKind(first[order[i]]), sortKind(first[order[j]]); x != y {
				return x < y != desc
			}
			if desc {
				return less(b, a)
			}
			return less(a, b)
		})
		sorted := make([]json.RawMessage, len(args))
		for k, a := range args {
			sorted[k] = json.RawMessage("null")
			text, isText := a.(string)
			if isText {
				a = json.RawMessage(text)
			}
			list, ok := elements(a)
			if !ok || len(list) != len(order) {
				continue
			}
			out := make([]json.RawMessage, len(order))
			for i, from := range order {
				out[i] = list[from]
			}
			sorted[k], _ = array(out).(json.RawMessage)
		}
		if len(sorted) == 1 {
			return sorted[0], nil
		}
		return array(sorted), nil
	}
}

func less(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return x < y
	}
	var s, t string
	if json.Unmarshal([]byte(a), &s) == nil && json.Unmarshal([]byte(b), &t) == nil {
		return s < t
	}
	return a < b
}

// bag is an object with its keys in order.
type bag struct {
	keys   []string
	values map[string]json.RawMessage
}

func readBag(v schema.Value) (bag, bool) {
	raw, _ := v.(json.RawMessage)
	b := bag{values: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return b, false
	}
	for dec.More() {
		t, err := dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return b, false
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return b, false
		}
		b.set(key, value, false)
	}
	return b, true
}

func (b *bag) set(key string, value json.RawMessage, replace bool) {
	if _, ok := b.values[key]; !ok {
		b.keys = append(b.keys, key)
	} else if !replace {
		return
	}
	b.values[key] = value
}

func (b *bag) json() schema.Value {
	out := []byte{'{'}
	for i, k := range b.keys {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(schema.AppendJSON(out, schema.String, k), ':')
		out = append(out, b.values[k]...)
	}
	return json.RawMessage(append(out, '}'))
}

func goBagMerge(args []schema.Value) (schema.Value, error) {
	out := bag{values: map[string]json.RawMessage{}}
	any := false
	for _, a := range args {
		b, ok := readBag(a)
		if !ok {
			continue
		}
		any = true
		for _, k := range b.keys {
			out.set(k, b.values[k], false)
		}
	}
	if !any {
		return nil, nil
	}
	return out.json(), nil
}

func goBagRemove(args []schema.Value) (schema.Value, error) {
	b, ok := readBag(args[0])
	if !ok {
		return nil, nil
	}
	names, _ := elements(args[1])
	for _, n := range names {
		var s string
		if json.Unmarshal(n, &s) == nil {
			b.remove(s)
		}
	}
	return b.json(), nil
}

// remove takes out a key, or what a path such as $.a.b names.
func (b *bag) remove(key string) {
	keys := []any{key}
	if path, ok := jsonPath(key); ok && len(path) > 0 {
		keys = path
	}
	b.removePath(keys)
}

func (b *bag) removePath(keys []any) {
	key, ok := keys[0].(string)
	if !ok {
		return
	}
	if len(keys) > 1 {
		if inner, ok := readBag(b.values[key]); ok {
			inner.removePath(keys[1:])
			b.values[key], _ = inner.json().(json.RawMessage)
		}
		return
	}
	kept := b.keys[:0]
	for _, k := range b.keys {
		if k != key {
			kept = append(kept, k)
		}
	}
	b.keys = kept
}
