package function

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// edge says at which ends of a term no other letter or digit may stand.
type edge uint8

const (
	leftEdge edge = 1 << iota
	rightEdge
	edges = leftEdge | rightEdge
)

// isTermRune is true for a character of a term: Kusto's terms are runs of letters and digits.
// https://learn.microsoft.com/kusto/query/datatypes-string-operators#what-is-a-term
func isTermRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// hasTerm is the exact test: at some place of the term in the text its ends are ends of terms there.
func hasTerm(text, term string, fold bool, at edge) bool {
	if fold {
		text, term = strings.ToLower(text), strings.ToLower(term)
	}
	if term == "" {
		return true
	}
	first, _ := utf8.DecodeRuneInString(term)
	last, _ := utf8.DecodeLastRuneInString(term)
	left, right := at&leftEdge != 0 && isTermRune(first), at&rightEdge != 0 && isTermRune(last)
	for from := 0; ; {
		k := strings.Index(text[from:], term)
		if k < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRuneInString(text[:from+k])
		after, _ := utf8.DecodeRuneInString(text[from+k+len(term):])
		if !(left && isTermRune(before)) && !(right && isTermRune(after)) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[from+k:])
		from += k + size
	}
}

// hasTermScalar is hasTerm as SQL calls it: text, term, fold, edges.
var hasTermScalar = Scalar{
	Name: "kql_has_term", Args: []schema.Type{schema.String, schema.String, schema.Bool, schema.Long}, Result: schema.Bool,
	Fn: func(a []schema.Value) (schema.Value, error) {
		return hasTerm(a[0].(string), a[1].(string), a[2].(bool), edge(a[3].(int64))), nil
	},
}

func exact(x, term string, fold bool, at edge) string {
	return fmt.Sprintf("kql_has_term(%s, %s, %t, CAST(%d AS BIGINT))", x, term, fold, at)
}

// asciiPattern is the regular expression for a term with separators at its edges, where the text is ASCII. Classes of
// Unicode would cost milliseconds to compile.
func asciiPattern(term string, fold bool, at edge) string {
	pattern := regexp.QuoteMeta(term)
	if at&leftEdge != 0 && isTermRune(rune(term[0])) {
		pattern = `(^|[\x00-/:-@\[-` + "`" + `{-\x7f])` + pattern
	}
	if at&rightEdge != 0 && isTermRune(rune(term[len(term)-1])) {
		pattern += `($|[\x00-/:-@\[-` + "`" + `{-\x7f])`
	}
	if fold {
		return "(?is)" + pattern
	}
	return "(?s)" + pattern
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// caseless is true for text that no change of case touches, and to which no character is folded.
func caseless(s string) bool {
	return isASCII(s) && strings.IndexFunc(s, unicode.IsLetter) < 0
}

// folded renders text and what is sought in it for a search that ignores case.
func folded(x, sought Arg) (text, needle string) {
	if s, ok := sought.Text(); ok {
		if caseless(s) {
			return x.SQL, sought.SQL
		}
		if isASCII(s) {
			return "lower(" + x.SQL + ")", Quote(strings.ToLower(s))
		}
	}
	return "lower(" + x.SQL + ")", "lower(" + sought.SQL + ")"
}

// search builds the operators that look for text in text by one function of SQL.
func search(fn string, fold, not bool) func(Call) (string, error) {
	return func(c Call) (string, error) {
		text, needle := c.Args[0].SQL, c.Args[1].SQL
		if fold {
			text, needle = folded(c.Args[0], c.Args[1])
		}
		return negated(fn+"("+text+", "+needle+")", not), nil
	}
}

func negated(sql string, not bool) string {
	if not {
		return "(NOT " + sql + ")"
	}
	return sql
}

func hasWord(fold, not bool, at edge) func(Call) (string, error) {
	return func(c Call) (string, error) {
		return negated(wordSQL(c.Args[0], c.Args[1], fold, at), not), nil
	}
}

// wordSQL tests for a term: a plain search first, which is fast and which most rows fail, then the edges. Text with
// other characters than ASCII at the edges is left to the exact test.
func wordSQL(x, term Arg, fold bool, at edge) string {
	text, needle := x.SQL, term.SQL
	if fold {
		text, needle = folded(x, term)
	}
	found := "contains(" + text + ", " + needle + ")"
	constant, fixed := term.Text()
	switch {
	case fixed && constant == "":
		return "true"
	case !fixed || !isASCII(constant):
		return "(CASE WHEN " + found + " THEN " + exact(x.SQL, term.SQL, fold, at) + " ELSE false END)"
	case !isTermRune(rune(constant[0])) && !isTermRune(rune(constant[len(constant)-1])):
		return found
	}
	return "(" + found + " AND CASE WHEN regexp_matches(" + x.SQL + ", " + Quote(asciiPattern(constant, fold, at)) + ") THEN true WHEN strlen(" + x.SQL + ") = length(" + x.SQL + ") THEN false ELSE " +
		exact(x.SQL, term.SQL, fold, at) + " END)"
}

func hasList(join string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		var tests []string
		for _, a := range c.Args[1:] {
			if a.Type == schema.Dynamic {
				fold, empty := "bool_or", "false"
				if join == " AND " {
					fold, empty = "bool_and", "true"
				}
				each := "list_transform(kql_elements_text(" + oneList(a.SQL) + "), e -> " + wordSQL(c.Args[0], Arg{SQL: "e", Type: schema.String}, true, edges) + ")"
				tests = append(tests, "coalesce(list_aggregate("+each+", '"+fold+"'), "+empty+")")
				continue
			}
			tests = append(tests, wordSQL(c.Args[0], a, true, edges))
		}
		return "(" + strings.Join(tests, join) + ")", nil
	}
}
