package function

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// searchFuncs are the string functions that are written in Go.
// https://learn.microsoft.com/kusto/query/scalar-functions#string-functions
var searchFuncs = []Func{
	{Name: "unicode_codepoints_from_string to_utf8", Signatures: []string{"spelled -> dynamic"}, Go: goCodepoints, Doc: "unicode-codepoints-from-string-function"},
	{Name: "unicode_codepoints_to_string make_string", Signatures: []string{"integers+ -> string"}, Go: goFromCodepoints, NullIn: true, Doc: "unicode-codepoints-to-string-function"},
	{Name: "isutf8", Signatures: []string{"spelled -> bool"}, SQL: "true", Doc: "isutf8-function"}, // text of another encoding is repaired at intake
	{Name: "isascii", Signatures: []string{"spelled -> bool"}, SQL: "(strlen($1) = length($1))", Doc: "isascii"},
	{Name: "has_any_index", Signatures: []string{"text, array -> long"}, Go: goHasAnyIndex, Doc: "has-any-index-function"},
	{Name: "has_ipv4", Signatures: []string{"text, text -> bool"}, Go: goHasIPv4(false), Doc: "has-ipv4-function"},
	{Name: "has_any_ipv4", Signatures: []string{"text, texts+ -> bool"}, Go: goHasIPv4(false), Doc: "has-any-ipv4-function"},
	{Name: "has_ipv4_prefix", Signatures: []string{"text, text -> bool"}, Go: goHasIPv4(true), Doc: "has-ipv4-prefix-function"},
	{Name: "has_any_ipv4_prefix", Signatures: []string{"text, texts+ -> bool"}, Go: goHasIPv4(true), Doc: "has-any-ipv4-prefix-function"},
	{Name: "replace_strings", Signatures: []string{"text, array, array -> string"}, Go: goReplaceStrings, Doc: "replace-strings-function"},
	{Name: "extract_all extractall", Signatures: []string{"string, text -> dynamic", "string, array, text -> dynamic"}, Build: buildExtractAll, Go: goExtractAll, Doc: "extract-all-function"},
	{Name: "url_decode", Signatures: []string{"text -> string"}, Go: goURLDecode, Doc: "url-decode-function"},
	{Name: "base64_decode_tostring base64_decodestring", Signatures: []string{"text -> string"}, Go: goBase64Text, Doc: "base64-decode-tostring-function"},
}

func goCodepoints(args []schema.Value) (schema.Value, error) {
	out := []json.RawMessage{}
	for _, r := range args[0].(string) {
		out = append(out, json.RawMessage(schema.AppendJSON(nil, schema.Long, int64(r))))
	}
	return array(out), nil
}

func goFromCodepoints(args []schema.Value) (schema.Value, error) {
	var b strings.Builder
	for _, a := range args {
		points := []int64{}
		switch v := a.(type) {
		case int64:
			points = append(points, v)
		case string:
			if json.Unmarshal([]byte(v), &points) != nil {
				return "", nil
			}
		}
		for _, p := range points {
			if p < 0 || p > utf8.MaxRune || !utf8.ValidRune(rune(p)) {
				return "", nil
			}
			b.WriteRune(rune(p))
		}
	}
	return b.String(), nil
}

func goHasAnyIndex(args []schema.Value) (schema.Value, error) {
	list, _ := elements(args[1])
	for i, e := range list {
		term := canonical(e) // a number is looked for by its digits
		_ = json.Unmarshal(e, &term)
		if hasTerm(args[0].(string), term, true, edges) {
			return int64(i), nil
		}
	}
	return int64(-1), nil
}

var ipv4Token = regexp.MustCompile(`\d{1,3}(\.\d{1,3}){3}`)

// goHasIPv4 looks for an address, or a prefix of one, that stands alone: no letter, digit or dot touches it.
func goHasIPv4(asPrefix bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		var wanted []string
		for _, a := range args[1:] {
			v, _ := a.(string)
			var list []string
			if strings.HasPrefix(v, "[") && json.Unmarshal([]byte(v), &list) == nil {
				wanted = append(wanted, list...)
			} else {
				wanted = append(wanted, v)
			}
		}
		text := args[0].(string)
		for _, at := range ipv4Token.FindAllStringIndex(text, -1) {
			if at[0] > 0 && isAddressByte(text[at[0]-1]) || at[1] < len(text) && isAddressByte(text[at[1]]) {
				continue
			}
			a, err := netip.ParseAddr(text[at[0]:at[1]])
			if err != nil {
				continue
			}
			for _, w := range wanted {
				if matchesIPv4(a.String(), w, asPrefix) {
					return true, nil
				}
			}
		}
		return false, nil
	}
}

func isAddressByte(c byte) bool {
	return c == '.' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func matchesIPv4(address, wanted string, asPrefix bool) bool {
	if asPrefix {
		return strings.HasSuffix(wanted, ".") && strings.HasPrefix(address, wanted) || address == wanted
	}
	return address == wanted
}

// goReplaceStrings replaces one string of the list after the other.
func goReplaceStrings(args []schema.Value) (schema.Value, error) {
	text := args[0].(string)
	from, ok1 := elements(args[1])
	to, ok2 := elements(args[2])
	if !ok1 || !ok2 || len(from) != len(to) {
		return text, nil
	}
	parts := []replacedPart{{text: text}}
	for i := range from {
		var f string
		if json.Unmarshal(from[i], &f) != nil || f == "" {
			continue
		}
		t := f // a replacement that is no string leaves what it matched
		_ = json.Unmarshal(to[i], &t)
		parts = replaceIn(parts, f, t)
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.text)
	}
	return b.String(), nil
}

// replacedPart is a piece of a text; what has been replaced already is not touched again.
type replacedPart struct {
	text string
	done bool
}

func replaceIn(parts []replacedPart, from, to string) []replacedPart {
	var out []replacedPart
	for _, p := range parts {
		if p.done {
			out = append(out, p)
			continue
		}
		for k, piece := range strings.Split(p.text, from) {
			if k > 0 {
				out = append(out, replacedPart{to, true})
			}
			out = append(out, replacedPart{text: piece})
		}
	}
	return out
}

// buildExtractAll checks a constant pattern before any row is read.
func buildExtractAll(c Call) (string, error) {
	if pattern, ok := c.Args[0].Text(); ok {
		if _, err := grouped(pattern, wide); err != nil {
			return "", err
		}
	}
	return renderGo(c, c.Func.GoName(len(c.Args)-2)), nil // the overloads differ by an argument
}

// grouped compiles a pattern of extract_all, which has between one and 16 groups.
func grouped(pattern string, classes perlClasses) (*regexp.Regexp, error) {
	text, _, err := regexOf(pattern, classes)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	if n := re.NumSubexp(); n < 1 || n > 16 {
		return nil, &Invalid{fmt.Errorf("the regular expression must have 1 to 16 groups in parentheses, %q has %d", pattern, n)}
	}
	return re, nil
}

// extractor is a compiled pattern of extract_all.
type extractor struct {
	pattern string
	re      *regexp.Regexp
}

// lastExtractors save compiling the pattern anew for each row: one for texts of ASCII, one for others.
var lastExtractors struct{ ascii, other atomic.Pointer[extractor] }

func extractorOf(pattern, text string) (*regexp.Regexp, error) {
	last, classes := &lastExtractors.ascii, narrow
	if len(text) != utf8.RuneCountInString(text) {
		last, classes = &lastExtractors.other, wide
	}
	if e := last.Load(); e != nil && e.pattern == pattern {
		return e.re, nil
	}
	re, err := grouped(pattern, classes)
	var foreign Foreign
	if errors.As(err, &foreign) {
		return nil, Refused(string(foreign))
	}
	if err == nil {
		last.Store(&extractor{pattern, re})
	}
	return re, err
}

// goExtractAll returns the groups of every match: a plain list when there is one group, else a list of lists.
func goExtractAll(args []schema.Value) (schema.Value, error) {
	text := args[len(args)-1].(string)
	re, err := extractorOf(args[0].(string), text)
	if err != nil {
		return nil, err
	}
	var wanted []int
	for i := range re.NumSubexp() {
		wanted = append(wanted, i+1)
	}
	if len(args) == 3 {
		if wanted = captureGroups(re, args[1]); wanted == nil {
			return nil, nil
		}
	}
	var out []json.RawMessage
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		var groups []json.RawMessage
		for _, i := range wanted {
			groups = append(groups, schema.AppendJSON(nil, schema.String, m[i]))
		}
		if len(groups) == 1 {
			out = append(out, groups[0])
		} else {
			list, _ := array(groups).(json.RawMessage)
			out = append(out, list)
		}
	}
	if out == nil {
		return nil, nil
	}
	return array(out), nil
}

// captureGroups reads the groups that extract_all is to return, by number or by name; nil when one does not exist.
func captureGroups(re *regexp.Regexp, v schema.Value) []int {
	list, _ := elements(v)
	var out []int
	for _, e := range list {
		var name string
		i, err := strconv.Atoi(string(e))
		if json.Unmarshal(e, &name) == nil {
			i, err = re.SubexpIndex(name), nil
		}
		if err != nil || i < 0 || i > re.NumSubexp() {
			return nil
		}
		out = append(out, i)
	}
	return out
}

func goURLDecode(args []schema.Value) (schema.Value, error) {
	text, err := url.PathUnescape(args[0].(string))
	if err != nil {
		return args[0], nil
	}
	return text, nil
}

func goBase64Text(args []schema.Value) (schema.Value, error) {
	raw, err := base64.StdEncoding.DecodeString(args[0].(string))
	if err != nil || !utf8.Valid(raw) {
		return "", nil
	}
	return string(raw), nil
}
