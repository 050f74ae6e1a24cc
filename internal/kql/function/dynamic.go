package function

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// https://learn.microsoft.com/kusto/query/scalar-functions#dynamicarray-functions
var dynamicFuncs = []Func{
	{Name: "pack_array", Signatures: []string{"any+ -> dynamic"}, Build: buildPackArray, Star: true, Doc: "pack-array-function"},
	{Name: "estimate_data_size", Signatures: []string{"any+ -> long"}, Build: buildDataSize, Star: true, Doc: "estimate-data-size-function"},
	{Name: "bag_pack pack pack_dictionary", Signatures: []string{"(text, any)+ -> dynamic"}, Build: buildBagPack, Doc: "pack-function"},
	{Name: "array_length arraylength", Signatures: []string{"array -> long"}, SQL: "CASE WHEN json_type($1) = 'ARRAY' THEN CAST(json_array_length($1) AS BIGINT) END", Doc: "array-length-function"},
	{Name: "array_concat", Signatures: []string{"array+ -> dynamic"}, Go: goArrayConcat, NullIn: true, Folds: true, Doc: "array-concat-function"},
	{Name: "array_slice", Signatures: []string{"array, long, long -> dynamic"}, Go: goArraySlice, Doc: "array-slice-function"},
	{Name: "array_reverse", Signatures: []string{"array -> dynamic"}, Go: goArrayReverse, Doc: "array-reverse-function"},
	{Name: "array_sort_asc", Signatures: []string{"array -> dynamic", "array, any* -> dynamic"}, Fields: sortedFields, Go: goArraySort(false), Doc: "array-sort-asc-function"},
	{Name: "array_sort_desc", Signatures: []string{"array -> dynamic", "array, any* -> dynamic"}, Fields: sortedFields, Go: goArraySort(true), Doc: "array-sort-desc-function"},
	{Name: "array_index_of", Signatures: []string{"array, value, long?, long?, long? -> long"}, Go: goArrayIndexOf, NullIn: true, Doc: "array-index-of-function"},
	{Name: "array_sum", Signatures: []string{"array -> real"}, Go: goArraySum, Doc: "array-sum-function"},
	{Name: "strcat_array array_strcat", Signatures: []string{"array, spelled -> string"}, Build: buildStrcatArray, Doc: "strcat-array-function"},
	{Name: "set_has_element", Signatures: []string{"array, any -> bool"}, Build: buildSetHas, Doc: "set-has-element-function"},
	{Name: "set_union", Signatures: []string{"array, array+ -> dynamic"}, Go: goSet(unionOf), NullIn: true, Folds: true, Doc: "set-union-function"},
	{Name: "set_intersect", Signatures: []string{"array, array+ -> dynamic"}, Go: goSet(intersectionOf), NullIn: true, Folds: true, Doc: "set-intersect-function"},
	{Name: "set_difference", Signatures: []string{"array, array+ -> dynamic"}, Go: goSet(differenceOf), NullIn: true, Folds: true, Doc: "set-difference-function"},
	{Name: "set_equals", Signatures: []string{"array, array -> bool"}, Go: goSetEquals, Doc: "scalar-functions"},
	{Name: "bag_keys", Signatures: []string{"array -> dynamic"}, SQL: "CASE WHEN json_type($1) = 'OBJECT' THEN CAST(to_json(json_keys($1)) AS VARCHAR) END", Doc: "bag-keys-function"},
	{Name: "bag_has_key", Signatures: []string{"array, text -> bool"}, Build: buildHasKey, Doc: "bag-has-key-function"},
	{Name: "bag_merge", Signatures: []string{"array, array+ -> dynamic"}, Go: goBagMerge, NullIn: true, Doc: "bag-merge-function"},
	{Name: "bag_remove_keys", Signatures: []string{"array, array -> dynamic"}, Go: goBagRemove, Doc: "bag-remove-keys-function"},
	{Name: "dynamic_to_json", Signatures: []string{"value -> string"}, Go: goToJSON, Doc: "dynamic-to-json-function"},
	{Name: "repeat", Signatures: []string{"simple, long -> dynamic"}, Build: buildRepeat, Naming: NamePrefix, Doc: "repeat-function"},
	{Name: "range", Signatures: []string{"integer, integer, integer? -> dynamic", "real, real, real? -> dynamic", "timespan, timespan, timespan? -> dynamic", "datetime, datetime, timespan? -> dynamic"}, Undocumented: []string{"scale, scale, scale?"}, Build: buildRange, Doc: "range-function"},
}

func buildPackArray(c Call) (string, error) {
	parts := make([]string, len(c.Args))
	for i, a := range c.Args {
		parts[i] = jsonOf(a.SQL, a.Type)
	}
	return "CAST(json_array(" + strings.Join(parts, ", ") + ") AS VARCHAR)", nil
}

func buildBagPack(c Call) (string, error) {
	if len(c.Args)%2 != 0 {
		return "", fmt.Errorf("keys and values must come in pairs")
	}
	var parts []string
	seen := map[string]bool{}
	for i := 0; i < len(c.Args); i += 2 {
		if key, ok := c.Args[i].Text(); ok {
			if seen[key] {
				return "", fmt.Errorf("the key %q is given twice", key)
			}
			seen[key] = true
		}
		parts = append(parts, c.Args[i].text(), jsonOf(c.Args[i+1].SQL, c.Args[i+1].Type))
	}
	return "CAST(json_object(" + strings.Join(parts, ", ") + ") AS VARCHAR)", nil
}

func buildStrcatArray(c Call) (string, error) {
	return concat("list_transform(kql_elements_text("+c.Args[0].SQL+"), e -> coalesce(e, ''))", c.Args[1]), nil
}

// concat joins the texts of a list. DuckDB's own function takes a constant between them only.
func concat(list string, delimiter Arg) string {
	if delimiter.Fixed {
		return "coalesce(array_to_string(" + list + ", " + delimiter.SQL + "), '')"
	}
	return "coalesce(CASE WHEN len(" + list + ") > 0 THEN list_reduce(" + list + ", (a, b) -> a || " + delimiter.SQL + " || b) END, '')"
}

// goArrayIndexOf finds the n-th occurrence of a value among length elements from start on; a negative start counts from
// the end, a length of -1 takes all.
func goArrayIndexOf(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	size := int64(len(list))
	start, length, occurrence := integerOf(args, 2, 0), integerOf(args, 3, -1), integerOf(args, 4, 1)
	if start < 0 {
		start = max(0, start+size)
	}
	if length < -1 || occurrence < 1 {
		return nil, nil
	}
	end := size
	if length >= 0 {
		end = min(end, start+length)
	}
	wanted := canonical(element(args[1]))
	for i := start; i < end; i++ {
		if sameElement(canonical(list[i]), wanted) {
			if occurrence--; occurrence == 0 {
				return i, nil
			}
		}
	}
	return int64(-1), nil
}

// sameElement compares two elements as JSON writes them; numbers by what they are worth.
func sameElement(a, b string) bool {
	if a == b || !strings.ContainsAny(a+b, ".eE") {
		return a == b
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}

// buildHasKey looks for a key, or for what a path such as $.a.b names.
func buildHasKey(c Call) (string, error) {
	bag, key := c.Args[0].SQL, c.Args[1].SQL
	if text, ok := c.Args[1].Text(); ok && !strings.HasPrefix(text, "$") {
		return "coalesce(json_type(" + bag + ") = 'OBJECT' AND list_contains(json_keys(" + bag + "), " + key + "), false)", nil
	}
	return "coalesce(kql_go_has_path_0(" + bag + ", " + key + "), false)", nil
}

// goHasPath is the part of bag_has_key that SQL cannot do.
func goHasPath(args []schema.Value) (schema.Value, error) {
	key := args[1].(string)
	steps := []any{key}
	if strings.HasPrefix(key, "$") {
		var ok bool
		if steps, ok = jsonPath(key); !ok || len(steps) == 0 {
			return false, nil
		}
	}
	b, ok := readBag(args[0])
	if !ok {
		return false, nil
	}
	at, _ := b.json().(json.RawMessage)
	_, found := follow(at, steps)
	return found, nil
}

// goToJSON writes a value with the keys of its bags in order.
func goToJSON(args []schema.Value) (schema.Value, error) {
	raw, _ := args[0].(json.RawMessage)
	return string(ordered(raw)), nil
}

func ordered(e json.RawMessage) json.RawMessage {
	if b, ok := readBag(e); ok {
		sort.Strings(b.keys)
		for k, v := range b.values {
			b.values[k] = ordered(v)
		}
		text, _ := b.json().(json.RawMessage)
		return text
	}
	if list, ok := elements(e); ok {
		for i := range list {
			list[i] = ordered(list[i])
		}
		return mustArray(list)
	}
	return json.RawMessage(canonical(e))
}

// buildSetHas compares values, not texts: the text "2" is no 2.
func buildSetHas(c Call) (string, error) {
	list, wanted := "kql_flat("+c.Args[0].SQL+")", c.Args[1]
	if wanted.Type == schema.Real { // 15.0 is the 15 of the set
		return "coalesce(list_contains(list_transform(" + list + ", e -> TRY_CAST(CAST(e AS VARCHAR) AS DOUBLE)), " + wanted.SQL + "), false)", nil
	}
	return "coalesce(list_contains(" + list + ", " + jsonOf(wanted.SQL, wanted.Type) + "), false)", nil
}

// buildDataSize counts 8 bytes for a long and the bytes of a text; how large the other types are is not documented.
func buildDataSize(c Call) (string, error) {
	parts := make([]string, len(c.Args))
	for i, a := range c.Args {
		switch a.Type {
		case schema.Long:
			parts[i] = "8"
		case schema.String:
			parts[i] = "strlen(" + a.SQL + ")"
		default:
			return "", fmt.Errorf("how large a value of type %s is, is not documented", a.Type)
		}
	}
	return "(" + strings.Join(parts, " + ") + ")", nil
}

// mostElements is what Kusto's range() makes at most, and what repeat() makes here.
const mostElements = 1048576

func buildRepeat(c Call) (string, error) {
	n := c.Args[1].SQL
	list := "CAST(to_json(list_transform(range(least(" + n + fmt.Sprintf(", %d", mostElements) + ")), i -> " + jsonOf(c.Args[0].SQL, c.Args[0].Type) + ")) AS VARCHAR)"
	return "CASE WHEN " + n + " >= 0 THEN " + refuseWhere(fmt.Sprintf("%s > %d", n, mostElements), "repeat of more than a million elements", list) + " END", nil
}

// buildRange makes an array of at most 1,048,576 values. The step is 1, or an hour for times, unless it is given.
func buildRange(c Call) (string, error) {
	t := c.Args[0].Type
	step := "1"
	if t == schema.Datetime || t == schema.Timespan {
		step = Literal(schema.Timespan, schema.Hour)
	}
	if len(c.Args) == 3 {
		step = c.Args[2].SQL
	}
	from, to := c.Args[0].SQL, c.Args[1].SQL
	if t == schema.Real {
		n := fmt.Sprintf("CASE WHEN %s <> 0 THEN CAST(least(floor((%s - %s) / %s) + 1, 1048576) AS BIGINT) END", step, to, from, step)
		return fmt.Sprintf("CAST(to_json(list_transform(range(%s), i -> kql_real_json(%s + i * %s))) AS VARCHAR)", n, from, step), nil
	}
	last := fmt.Sprintf("CASE WHEN %[1]s > 0 THEN least(%[2]s, %[3]s + 1048575 * %[1]s) ELSE greatest(%[2]s, %[3]s + 1048575 * %[1]s) END", step, to, from)
	list := "generate_series(" + from + ", " + last + ", " + step + ")"
	if !t.IsNumeric() {
		list = "list_transform(" + list + ", e -> " + jsonOf("e", t) + ")"
	}
	return "CAST(to_json(" + list + ") AS VARCHAR)", nil
}

// elements reads a dynamic value as an array; ok is false when it is none.
func elements(v schema.Value) ([]json.RawMessage, bool) {
	raw, _ := v.(json.RawMessage)
	return takeApart(raw, false)
}

// OneList takes a JSON array apart, with the elements of arrays in it, however deep, in their place; ok is false for anything
// else.
// https://learn.microsoft.com/kusto/query/in-cs-operator
func OneList(raw json.RawMessage) (list []json.RawMessage, ok bool) { return takeApart(raw, true) }

// takeApart takes a JSON array apart, without copying what it holds; nested arrays stay elements, or give theirs.
func takeApart(raw json.RawMessage, nested bool) (list []json.RawMessage, ok bool) {
	if !json.Valid(raw) { // before what surrounds it is cut off: JSON knows fewer spaces than bytes.TrimSpace
		return nil, false
	}
	if raw = bytes.TrimSpace(raw); raw[0] != '[' {
		return nil, false
	}
	list = make([]json.RawMessage, 0, bytes.Count(raw, []byte{','})+1)
	depth, begin, quoted := 0, 1, false
	for i := 1; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case depth == 0 && (c == ',' || c == ']'):
			if e := bytes.TrimSpace(raw[begin:i]); len(e) > 0 {
				list = append(list, slices.Clip(e))
			}
			begin = i + 1
		case depth == 0 && c == '[' && nested:
			begin = i + 1
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
	}
	return list, true
}

// array puts one together. It writes no character in another way than an element does, as the encoder of the library does
// for the sake of HTML.
func array(list []json.RawMessage) schema.Value {
	size := len("[]")
	for _, e := range list {
		size += len(e) + len(",")
	}
	all := append(make([]byte, 0, size), '[')
	for i, e := range list {
		if i > 0 {
			all = append(all, ',')
		}
		all = append(all, e...)
	}
	all = append(all, ']')
	if !bytes.ContainsAny(all, " \t\r\n") {
		return json.RawMessage(all)
	}
	var out bytes.Buffer
	if json.Compact(&out, all) != nil {
		return nil
	}
	return json.RawMessage(out.Bytes())
}

func goArrayConcat(args []schema.Value) (schema.Value, error) {
	var out []json.RawMessage
	any := false
	for _, a := range args {
		list, ok := elements(a)
		any = any || ok
		out = append(out, list...)
	}
	if !any {
		return nil, nil
	}
	return array(out), nil
}

func goArraySlice(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	n := int64(len(list))
	start, end := args[1].(int64), args[2].(int64)
	if start < 0 {
		start += n
	}
	if end < 0 {
		end += n
	}
	start, end = max(0, start), min(n-1, end)
	if start > end {
		return array(nil), nil
	}
	return array(list[start : end+1]), nil
}

func goArrayReverse(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	out := make([]json.RawMessage, len(list))
	for i, e := range list {
		out[len(list)-1-i] = e
	}
	return array(out), nil
}
