package function

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// conversionFuncs are the conversions besides to*(), which the binder knows by type.
var conversionFuncs = []Func{
	{Name: "tohex", Signatures: []string{"integer, integer? -> string"}, Build: buildToHex, Naming: NameFirst, Doc: "tohex-function"},
}

func buildToHex(c Call) (string, error) {
	number := c.Args[0].SQL
	if c.Args[0].Type == schema.Int {
		number = "CAST(" + number + " AS BIGINT) & 4294967295" // the complement of 32 bits
	}
	sql := "lower(to_hex(" + number + "))"
	if len(c.Args) > 1 {
		sql = "lpad(" + sql + ", CAST(greatest(length(" + sql + "), least(" + c.Args[1].SQL + ", 16)) AS INTEGER), '0')"
	}
	return "coalesce(" + sql + ", '')", nil
}

// https://learn.microsoft.com/kusto/query/scalar-functions#string-functions
var stringFuncs = []Func{
	{Name: "strcat", Signatures: []string{"any+ -> string"}, Build: buildStrcat, Doc: "strcat-function"},
	{Name: "strcat_delim", Signatures: []string{"spelled, any, any+ -> string"}, Build: buildStrcatDelim, Doc: "strcat-delim-function"},
	{Name: "strlen", Signatures: []string{"text -> long"}, SQL: "length($1)", Naming: NameFunction, Doc: "strlen-function"},
	{Name: "string_size", Signatures: []string{"text -> long"}, SQL: "strlen($1)", Naming: NameFunction, Doc: "string-size-function"},
	{Name: "tolower", Signatures: []string{"spelled -> string"}, SQL: "lower($1)", Doc: "tolower-function"},
	{Name: "toupper", Signatures: []string{"spelled -> string"}, SQL: "kql_upper($1)", Doc: "toupper-function"},
	{Name: "isempty", Signatures: []string{"any -> bool"}, Build: buildIsEmpty(false), Doc: "isempty-function"},
	{Name: "isnotempty notempty", Signatures: []string{"any -> bool"}, Build: buildIsEmpty(true), Doc: "isnotempty-function"},
	{Name: "substring", Signatures: []string{"spelled, long, long? -> string"}, Build: buildSubstring, Doc: "substring-function"},
	{Name: "split", Signatures: []string{"spelled, string, long? -> dynamic"}, Build: buildSplit, Naming: NameFirst, Doc: "split-function"},
	{Name: "trim", Signatures: []string{"string, text -> string"}, Build: buildTrim("^(?:%s)", "(?:%s)$"), Doc: "trim-function"},
	{Name: "trim_start", Signatures: []string{"string, text -> string"}, Build: buildTrim("^(?:%s)", ""), Doc: "trim-start-function"},
	{Name: "trim_end", Signatures: []string{"string, text -> string"}, Build: buildTrim("", "(?:%s)$"), Doc: "trim-end-function"},
	{Name: "replace_string", Signatures: []string{"text, text, text -> string"}, SQL: "CASE WHEN $2 = '' THEN $1 ELSE replace($1, $2, $3) END", Doc: "replace-string-function"},
	{Name: "reverse", Signatures: []string{"any -> string"}, Build: buildReverse, Doc: "reverse-function"},
	{Name: "strrep", Signatures: []string{"any, long, spelled? -> string"}, Build: buildStrrep, Doc: "strrep-function"},
	{Name: "strcmp", Signatures: []string{"spelled, spelled -> long"}, SQL: "CASE WHEN $1 = $2 THEN 0 WHEN $1 < $2 THEN -1 ELSE 1 END", Doc: "strcmp-function"},
	{Name: "countof", Signatures: []string{"text, text, string!? -> long"}, Build: buildCountOf, Doc: "countof-function"},
	{Name: "translate", Signatures: []string{"text, text, text -> string"}, Go: goTranslate, Doc: "translate-function"},
	{Name: "indexof", Signatures: []string{"any, any -> long", "any, any, long, long?, long? -> long"}, Build: buildIndexOf, Doc: "indexof-function"},
	{Name: "base64_encode_tostring base64_encodestring", Signatures: []string{"text -> string"}, SQL: "to_base64(encode($1))", Doc: "base64-encode-tostring-function"},
}

// Text renders an argument as strcat and its kind read it.
func (a Arg) text() string { return Conversion(a.SQL, a.Type, schema.String) }

func buildReverse(c Call) (string, error) {
	return "array_to_string(list_reverse(string_split(" + c.Args[0].text() + ", '')), '')", nil
}

func buildStrcat(c Call) (string, error) {
	parts := make([]string, len(c.Args))
	for i, a := range c.Args {
		parts[i] = a.text()
	}
	return "(" + strings.Join(parts, " || ") + ")", nil
}

func buildStrcatDelim(c Call) (string, error) {
	parts := make([]string, len(c.Args))
	for i, a := range c.Args {
		parts[i] = a.text()
	}
	return "concat_ws(" + strings.Join(parts, ", ") + ")", nil
}

func buildIsEmpty(not bool) func(Call) (string, error) {
	return func(c Call) (string, error) {
		a := c.Args[0]
		sql := "(" + a.SQL + " IS NULL)"
		switch a.Type {
		case schema.String:
			sql = "(" + a.SQL + " = '')"
		case schema.Dynamic:
			sql = "(" + a.text() + " = '')"
		}
		if not {
			return "(NOT " + sql + ")", nil
		}
		return sql, nil
	}
}

func buildSubstring(c Call) (string, error) {
	text, start := c.Args[0].SQL, "CAST("+c.Args[1].SQL+" AS BIGINT)"
	if _, ok := c.Args[1].Const.(int64); !ok {
		start = "least(" + start + ", 4294967294)" // no text is longer
	}
	if n, ok := c.Args[1].Const.(int64); !ok || n < 0 { // from the end of the text
		start = fmt.Sprintf("CASE WHEN %[1]s >= 0 THEN %[1]s WHEN length(%[2]s) + %[1]s >= 0 THEN length(%[2]s) + %[1]s END", start, text)
	}
	if len(c.Args) == 2 {
		return "coalesce(substring(" + text + ", " + start + " + 1), '')", nil
	}
	return "coalesce(substring(" + text + ", " + start + " + 1, least(greatest(" + c.Args[2].SQL + ", 0), 4294967294)), '')", nil
}

func buildSplit(c Call) (string, error) {
	if text, ok := c.Args[1].Text(); ok && text == "" {
		return "", fmt.Errorf("an empty delimiter is not supported")
	}
	list := "string_split(" + c.Args[0].SQL + ", " + c.Args[1].SQL + ")"
	if len(c.Args) == 3 {
		i := c.Args[2].SQL
		return "CASE WHEN " + i + " >= 0 AND " + i + " < len(" + list + ") THEN CAST(json_array(" + list + "[" + i + " + 1]) AS VARCHAR) END", nil
	}
	return "CAST(to_json(" + list + ") AS VARCHAR)", nil
}

// buildTrim takes away the match of a pattern at the start, at the end or at both: one match, so that trim("-", "--a")
// is "-a"; who means all of them writes "-+".
func buildTrim(left, right string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		pattern, ok := c.Args[0].Text()
		if !ok {
			return "", fmt.Errorf("the pattern must be a constant")
		}
		if _, err := Regex(pattern); err != nil { // which a bracket too many must not make whole
			return "", err
		}
		sql := c.Args[1].SQL
		for _, form := range []string{left, right} {
			if form == "" {
				continue
			}
			text := sql
			var err error
			sql, err = matching(text, Arg{Const: fmt.Sprintf(form, pattern), Fixed: true}, func(pattern string) string {
				return "regexp_replace(" + text + ", " + pattern + ", '')"
			})
			if err != nil {
				return "", err
			}
		}
		return sql, nil
	}
}

// mostRepeats is how often strrep repeats by one sentence of its page; another one names a much greater number.
const mostRepeats = 1024

func buildStrrep(c Call) (string, error) {
	text, n := c.Args[0].text(), "least("+c.Args[1].SQL+fmt.Sprintf(", %d)", mostRepeats)
	repeated := "repeat(" + text + ", " + n + ")"
	if len(c.Args) == 3 {
		repeated = concat("list_transform(range("+n+"), i -> "+text+")", c.Args[2])
	}
	return refuseWhere(fmt.Sprintf("%s > %d", c.Args[1].SQL, mostRepeats), "strrep of more than 1024 times, of which the page says two things,", repeated), nil
}

// buildIndexOf finds the n-th occurrence, of an empty text none: null; a start below zero counts from the end. The length bounds each search, which
// goes on behind the occurrence before: the documented indexof("abcdefgabcdefg", "cde", 1, 10, 2) is 9.
func buildIndexOf(c Call) (string, error) {
	if len(c.Args) == 2 {
		return "(instr(" + c.Args[0].text() + ", nullif(" + c.Args[1].text() + ", '')) - 1)", nil
	}
	parts := []string{c.Args[0].text(), c.Args[1].text(), c.Args[2].SQL, "-1", "1"}
	for i, a := range c.Args[3:] {
		parts[3+i] = a.SQL
	}
	return "kql_go_index_of_0(" + strings.Join(parts, ", ") + ")", nil
}

// indexFuncs is the part of indexof that SQL cannot do.
var indexFuncs = []Func{{Name: "index_of", Signatures: []string{"string, string, long, long, long -> long"}, Go: goIndexOf, Doc: "indexof-function"}}

func goIndexOf(args []schema.Value) (schema.Value, error) {
	text, wanted := []rune(args[0].(string)), args[1].(string)
	start, length, occurrence := args[2].(int64), args[3].(int64), args[4].(int64)
	if length < -1 || occurrence < 1 || wanted == "" {
		return nil, nil
	}
	n := int64(len(text))
	if start < 0 {
		start = max(n+start, 0)
	}
	for k := int64(1); start < n; k++ {
		end := n
		if length >= 0 {
			end = min(n, start+length)
		}
		inside := string(text[start:end])
		at := strings.Index(inside, wanted)
		if at < 0 {
			break
		}
		position := start + int64(len([]rune(inside[:at])))
		if k == occurrence {
			return position, nil
		}
		start = position + int64(len([]rune(wanted)))
	}
	return int64(-1), nil
}

func buildCountOf(c Call) (string, error) {
	kind := "normal"
	if len(c.Args) == 3 {
		kind, _ = c.Args[2].Text()
	}
	switch strings.ToLower(kind) {
	case "normal":
		// Occurrences may overlap: count the places at which the search text begins.
		return "len(list_filter(range(1, length(" + c.Args[0].SQL + ") + 1), i -> starts_with(substring(" + c.Args[0].SQL + ", i), " + c.Args[1].SQL + ")))", nil
	case "regex":
		return matching(c.Args[0].SQL, c.Args[1], func(pattern string) string {
			return "len(regexp_extract_all(" + c.Args[0].SQL + ", " + pattern + "))"
		})
	}
	return "", fmt.Errorf("the kind must be normal or regex, this is %q", kind)
}

func goTranslate(args []schema.Value) (schema.Value, error) {
	from, to, text := []rune(args[0].(string)), []rune(args[1].(string)), args[2].(string)
	if len(to) == 0 {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(string(from), r) {
				return -1
			}
			return r
		}, text), nil
	}
	return strings.Map(func(r rune) rune {
		for i, f := range from {
			if f == r {
				return to[min(i, len(to)-1)]
			}
		}
		return r
	}, text), nil
}

// https://learn.microsoft.com/kusto/query/regex
var regexFuncs = []Func{
	{Name: "extract", Signatures: []string{"string, long, text -> string"}, Build: buildExtract, Typed: 4, Doc: "extract-function"},
	{Name: "replace_regex", Signatures: []string{"text, string, text -> string"}, Build: buildReplaceRegex(0, 1, 2), Doc: "replace-regex-function"},
	{Name: "replace", Signatures: []string{"string, text, text -> string"}, Build: buildReplaceRegex(2, 0, 1), Doc: "replace-regex-function"},
	{Name: "regex_quote", Signatures: []string{"spelled -> string"}, SQL: "regexp_escape($1)", Doc: "regex-quote-function"},
}

func buildExtract(c Call) (string, error) {
	if len(c.Args) == 4 {
		return "", fmt.Errorf("extract with typeof() is not supported: convert the result")
	}
	group, ok := c.Args[1].Const.(int64)
	if !ok || group < 0 {
		return "", fmt.Errorf("the capture group must be a constant")
	}
	if pattern, fixed := c.Args[0].Text(); fixed {
		if re, err := Regex(pattern); err == nil && int(group) > re.NumSubexp() {
			return "''", nil
		}
	}
	return matching(c.Args[2].SQL, c.Args[0], func(pattern string) string {
		return fmt.Sprintf("regexp_extract(%s, %s, %d)", c.Args[2].SQL, pattern, group)
	})
}

func buildReplaceRegex(text, pattern, with int) func(Call) (string, error) {
	return func(c Call) (string, error) {
		return matching(c.Args[text].SQL, c.Args[pattern], func(pattern string) string {
			return "regexp_replace(" + c.Args[text].SQL + ", " + pattern + ", " + c.Args[with].SQL + ", 'g')"
		})
	}
}
