package function

import (
	"encoding/json"
	"slices"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// arrayFuncs are the array functions that need more than SQL's lists.
// https://learn.microsoft.com/kusto/query/scalar-functions#dynamicarray-functions
var arrayFuncs = []Func{
	{Name: "array_rotate_left", Signatures: []string{"array, long -> dynamic"}, Go: goRotate(1), Doc: "array-rotate-left-function"},
	{Name: "array_rotate_right", Signatures: []string{"array, long -> dynamic"}, Go: goRotate(-1), Doc: "array-rotate-right-function"},
	{Name: "array_shift_left", Signatures: []string{"array, long -> dynamic", "array, long, value -> dynamic"}, Go: goShift(1), Doc: "array-shift-left-function"},
	{Name: "array_shift_right", Signatures: []string{"array, long -> dynamic", "array, long, value -> dynamic"}, Go: goShift(-1), Doc: "array-shift-right-function"},
	{Name: "array_split", Signatures: []string{"array, integers -> dynamic"}, Go: goArraySplit, Doc: "array-split-function"},
	{Name: "array_iff array_iif", Signatures: []string{"array, value, value -> dynamic"}, Go: goArrayIff, NullIn: true, Doc: "array-iff-function"},
	{Name: "bag_zip", Signatures: []string{"array, array -> dynamic"}, Go: goBagZip, NullIn: true, Doc: "bag-zip"},
	{Name: "jaccard_index", Signatures: []string{"array, array -> real"}, Go: goJaccard, Doc: "jaccard-index-function"},
}

// listFuncs is the part of in that SQL cannot do.
var listFuncs = []Func{oneListFunc}

var oneListFunc = Func{Name: "one_list", Signatures: []string{"array -> dynamic"}, Go: goOneList, Doc: "in-cs-operator"}

// goOneList puts what the arrays in an array hold in their place.
func goOneList(args []schema.Value) (schema.Value, error) {
	list, ok := OneList(element(args[0]))
	if !ok {
		return args[0], nil
	}
	return array(list), nil
}

// elementFuncs read elements of arrays as values of the type that mv-expand declares.
var elementFuncs = func() (funcs []Func) {
	for _, t := range []schema.Type{schema.Bool, schema.Int, schema.Long, schema.Real, schema.Decimal, schema.Datetime, schema.Timespan, schema.Guid} {
		funcs = append(funcs, Func{Name: ElementAs(t), Signatures: []string{"array -> " + t.String()}, Build: buildElementAs, Doc: "mv-expand-operator"})
	}
	return funcs
}()

// ElementAs names the function that reads an element of an array as a value of a type other than string and dynamic.
func ElementAs(t schema.Type) string { return "element as " + t.String() }

// buildElementAs refuses what only a conversion makes a value of the type: "the operation of applying type is cast-only and doesn't
// include parsing or type-conversion", says the page, but that of dynamic says that text is parsed where it can be. JSON has
// numbers, texts and truths only: datetimes, timespans, guids, decimals and what is no finite number are texts in it.
func buildElementAs(c Call) (string, error) {
	x := c.Args[0].SQL
	value := Conversion(x, schema.Dynamic, c.Result)
	is := ""
	switch c.Result {
	case schema.Bool:
		is = "json_type(" + x + ") = 'BOOLEAN'"
	case schema.Int, schema.Long:
		is = "json_type(" + x + ") IN ('BIGINT', 'UBIGINT') OR json_type(" + x + ") = 'DOUBLE' AND " + value + " = kql_dynamic_real(" + x + ")"
	case schema.Real:
		is = "json_type(" + x + ") IN ('BIGINT', 'UBIGINT', 'DOUBLE') OR json_extract_string(" + x + ", '$') IN ('NaN', 'Infinity', '-Infinity')"
	case schema.Decimal:
		is = "json_type(" + x + ") <> 'BOOLEAN'"
	default:
		is = "json_type(" + x + ") = 'VARCHAR'"
	}
	return refuseWhere("NOT ("+is+") AND "+value+" IS NOT NULL",
		"to typeof("+c.Result.String()+") of an element that is no "+c.Result.String()+": it does not convert, says its page: use to"+c.Result.String()+"()", value), nil
}

func goRotate(direction int) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		list, ok := elements(args[0])
		n := len(list)
		if !ok || n == 0 {
			return args[0], nil
		}
		by := (int(args[1].(int64))*direction%n + n) % n
		return array(append(append([]json.RawMessage(nil), list[by:]...), list[:by]...)), nil
	}
}

func goShift(direction int) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		list, ok := elements(args[0])
		if !ok {
			return nil, nil
		}
		fill := json.RawMessage("null")
		if len(args) == 3 {
			fill = element(args[2])
		} else if len(list) > 0 && !slices.ContainsFunc(list, func(e json.RawMessage) bool { return sortKind(e) != stringKind }) {
			fill = json.RawMessage(`""`)
		}
		by := int(args[1].(int64)) * direction
		out := make([]json.RawMessage, len(list))
		for i := range out {
			out[i] = fill
			if k := i + by; k >= 0 && k < len(list) {
				out[i] = list[k]
			}
		}
		return array(out), nil
	}
}

// goArraySum passes over nulls; without a number there is no sum.
func goArraySum(args []schema.Value) (schema.Value, error) {
	list, _ := elements(args[0])
	list = slices.DeleteFunc(list, func(e json.RawMessage) bool { return string(e) == "null" })
	if len(list) == 0 {
		return nil, nil
	}
	return goSeriesSum([]schema.Value{array(list)})
}

// element is a dynamic argument as an element of an array.
func element(v schema.Value) json.RawMessage {
	if raw, ok := v.(json.RawMessage); ok {
		return raw
	}
	return json.RawMessage("null")
}

func goArraySplit(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	var at []int
	switch v := args[1].(type) {
	case int64:
		at = []int{int(v)}
	case string:
		if json.Unmarshal([]byte(v), &at) != nil {
			return nil, nil
		}
	default:
		return nil, nil
	}
	var parts []json.RawMessage
	from := 0
	for _, i := range append(at, len(list)) {
		if i < 0 {
			i += len(list)
		}
		i = max(from, min(i, len(list)))
		part, _ := array(list[from:i:i]).(json.RawMessage)
		parts = append(parts, part)
		from = i
	}
	return array(parts), nil
}

func goArrayIff(args []schema.Value) (schema.Value, error) {
	conditions, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	pick := func(v schema.Value, i int) json.RawMessage {
		e := element(v)
		if list, isList := elements(e); isList {
			if i < len(list) {
				return list[i]
			}
			return json.RawMessage("null")
		}
		return e
	}
	out := make([]json.RawMessage, len(conditions))
	for i, c := range conditions {
		switch text := canonical(c); text {
		case "true":
			out[i] = pick(args[1], i)
		case "false", "0":
			out[i] = pick(args[2], i)
		default:
			out[i] = json.RawMessage("null")
			var number float64
			if json.Unmarshal(c, &number) == nil && text != "null" {
				out[i] = pick(args[1], i)
			}
		}
	}
	return array(out), nil
}

func goBagZip(args []schema.Value) (schema.Value, error) {
	keys, okKeys := elements(args[0])
	if !okKeys || args[1] == nil {
		return nil, nil
	}
	values, _ := elements(args[1]) // what is no array gives every key a null
	out := bag{values: map[string]json.RawMessage{}}
	for i, k := range keys {
		var key string
		if json.Unmarshal(k, &key) != nil || canonical(k) == "null" {
			continue
		}
		v := json.RawMessage("null")
		if i < len(values) {
			v = values[i]
		}
		out.set(key, v, true)
	}
	return out.json(), nil
}

func goJaccard(args []schema.Value) (schema.Value, error) {
	a, okA := elements(args[0])
	b, okB := elements(args[1])
	if !okA || !okB {
		return nil, nil
	}
	all := unionOf([][]json.RawMessage{a, b})
	if len(all) == 0 {
		return nil, nil
	}
	return float64(len(intersectionOf([][]json.RawMessage{a, b}))) / float64(len(all)), nil
}
