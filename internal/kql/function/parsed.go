package function

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// parsedFuncs do the work of the operators parse, parse-where and parse-kv. No query can call them.
// https://learn.microsoft.com/kusto/query/parse-operator, https://learn.microsoft.com/kusto/query/parse-kv-operator
var parsedFuncs = []Func{
	{Name: "parse_match", Signatures: []string{"string, string! -> dynamic"}, Go: goParseMatch, Doc: "parse-operator"},
	{Name: "parse_kv", Signatures: []string{"string, string! -> dynamic"}, Go: goParseKV, Doc: "parse-kv-operator"},
}

// CapturePrefix begins the names of the groups that parse_match returns; the groups of the user's own patterns have
// other names, or none.
const CapturePrefix = "kqlcolumn"

var compiled sync.Map // pattern -> *regexp.Regexp

// Regex compiles a pattern in Kusto's syntax, once.
func Regex(pattern string) (*regexp.Regexp, error) {
	if re, ok := compiled.Load(pattern); ok {
		return re.(*regexp.Regexp), nil
	}
	text, _, err := regexOf(pattern, wide)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err == nil {
		compiled.Store(pattern, re)
	}
	return re, err
}

// goParseMatch returns the texts of the columns' groups, null when the pattern does not match.
func goParseMatch(args []schema.Value) (schema.Value, error) {
	re, err := Regex(args[1].(string))
	if err != nil {
		return nil, err
	}
	found := re.FindStringSubmatch(args[0].(string))
	if found == nil {
		return nil, nil
	}
	out := []byte{'['}
	for i, name := range re.SubexpNames() {
		if strings.HasPrefix(name, CapturePrefix) {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = schema.AppendJSON(out, schema.String, found[i])
		}
	}
	return json.RawMessage(append(out, ']')), nil
}

// KeyValues say how parse-kv finds keys and values.
type KeyValues struct {
	Keys     []string    `json:"keys"`
	PairText string      `json:"pair"`
	KVText   string      `json:"kv"`
	Quotes   [][2]string `json:"quotes"`
	Escapes  string      `json:"escapes"`
	Greedy   bool        `json:"greedy"`
	Regex    string      `json:"regex"`
}

var keyValues sync.Map // text -> *KeyValues

func goParseKV(args []schema.Value) (schema.Value, error) {
	spec, ok := keyValues.Load(args[1])
	if !ok {
		k := &KeyValues{}
		if err := json.Unmarshal([]byte(args[1].(string)), k); err != nil {
			return nil, fmt.Errorf("parse-kv: %w", err)
		}
		spec, _ = keyValues.LoadOrStore(args[1], k)
	}
	k, _ := spec.(*KeyValues)
	wanted := map[string]bool{}
	for _, key := range k.Keys {
		wanted[key] = true
	}
	out := bag{values: map[string]json.RawMessage{}}
	note := func(key, value string) {
		key = strings.TrimSpace(key)
		if wanted[key] {
			wanted[key] = false
			out.set(key, json.RawMessage(schema.AppendJSON(nil, schema.String, strings.TrimSpace(value))), true)
		}
	}
	text := args[0].(string)
	switch {
	case k.Regex != "":
		re, err := Regex(k.Regex)
		if err != nil {
			return nil, err
		}
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			note(m[1], m[2])
		}
	case k.PairText == "":
		k.undelimited(text, note)
	default:
		k.delimited(text, note)
	}
	return out.json(), nil
}

// spaces are the white space that keys and values shed.
const spaces = " \t"

// token reads one key or value at the beginning of text: quoted, or up to one of the delimiters.
func (k *KeyValues) token(text string, ends ...string) (token, rest string, quoted bool) {
	trimmed := strings.TrimLeft(text, spaces)
	for _, q := range k.Quotes {
		if !strings.HasPrefix(trimmed, q[0]) {
			continue
		}
		var b strings.Builder
		for i := len(q[0]); i < len(trimmed); i++ {
			if strings.IndexByte(k.Escapes, trimmed[i]) >= 0 && i+1 < len(trimmed) {
				i++
				b.WriteByte(trimmed[i])
				continue
			}
			if strings.HasPrefix(trimmed[i:], q[1]) {
				return b.String(), trimmed[i+len(q[1]):], true
			}
			b.WriteByte(trimmed[i])
		}
	}
	end := len(text)
	for _, e := range ends {
		if i := strings.Index(text, e); i >= 0 && i < end {
			end = i
		}
	}
	return text[:end], text[end:], false
}

// delimited passes over white space before and behind a key and before a value also where it is the delimiter of pairs.
func (k *KeyValues) delimited(text string, note func(key, value string)) {
	for text != "" {
		key, rest, _ := k.token(strings.TrimLeft(text, spaces), k.KVText, k.PairText)
		if behind := strings.TrimLeft(rest, spaces); !strings.HasPrefix(rest, k.KVText) && strings.HasPrefix(behind, k.KVText) {
			rest = behind
		}
		if !strings.HasPrefix(rest, k.KVText) {
			if text = rest; text != "" { // no key: go on behind the next delimiter
				text = cutAfter(text, k.PairText)
			}
			continue
		}
		rest = strings.TrimLeft(rest[len(k.KVText):], spaces)
		value, after, quoted := k.token(rest, k.PairText)
		if k.Greedy && !quoted {
			value, after = k.greedy(rest)
		}
		note(key, value)
		text = cutAfter(after, k.PairText)
	}
}

// greedy takes everything up to the last delimiter before the next key.
func (k *KeyValues) greedy(text string) (value, rest string) {
	next := strings.Index(text, k.KVText)
	if next < 0 {
		return text, ""
	}
	end := strings.LastIndex(text[:next], k.PairText)
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end:]
}

func cutAfter(text, delimiter string) string {
	_, after, _ := strings.Cut(text, delimiter)
	return after
}

// undelimited takes every character that is no letter or digit for a delimiter: a key is followed by the first run of
// such characters, and its value ends at the next one.
func (k *KeyValues) undelimited(text string, note func(key, value string)) {
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
	var words []string
	for text != "" {
		if token, rest, quoted := k.token(text); quoted {
			words, text = append(words, token), rest
			continue
		}
		start := strings.IndexFunc(text, func(r rune) bool {
			return isWord(r) || strings.ContainsFunc(string(r), func(c rune) bool { return k.opens(c) })
		})
		if start < 0 {
			break
		}
		text = text[start:]
		if r := []rune(text)[0]; !isWord(r) && k.opens(r) {
			token, rest, quoted := k.token(text)
			if quoted {
				words, text = append(words, token), rest
			} else {
				text = text[1:]
			}
			continue
		}
		end := strings.IndexFunc(text, func(r rune) bool { return !isWord(r) })
		if end < 0 {
			end = len(text)
		}
		words, text = append(words, text[:end]), text[end:]
	}
	for i := 0; i+1 < len(words); i++ {
		note(words[i], words[i+1])
	}
}

func (k *KeyValues) opens(r rune) bool {
	for _, q := range k.Quotes {
		if strings.HasPrefix(q[0], string(r)) {
			return true
		}
	}
	return false
}
