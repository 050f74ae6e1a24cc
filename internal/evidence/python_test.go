package evidence

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestPythonJSON: what repr makes of values is read as json.dumps would write them. The pairs come from Python 3.
func TestPythonJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{'a': True, 'b': None, 'c': False}`:            `{"a":true,"b":null,"c":false}`,
		`[{'k': "it's"}, {'k': 'say "x"'}]`:             `[{"k":"it's"},{"k":"say \"x\""}]`,
		`['a', 1, -2500.0, 1e-07, []]`:                  `["a",1,-2500.0,1e-07,[]]`,
		`{'both': 'it\'s "x"', 'tab': '\t', 'b': '\\'}`: `{"both":"it's \"x\"","tab":"\t","b":"\\"}`,
		`{'x': '\x7f', 'é': '日本', 'z': '\u200b'}`:       `{"x":"\u007f","é":"日本","z":"\u200b"}`,
		`{'n': nan}`: `{"n":null}`,
	} {
		got := pythonJSON([]byte(text))
		if !printedByPython([]byte(text)) {
			t.Errorf("%s is not looked at", text)
		}
		var a, b any
		if json.Unmarshal(got, &a) != nil || json.Unmarshal([]byte(want), &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{
		`{'a': 1`, `{'a'}`, `{'a': 1} more`, `['a',]`, `{'t': Timestamp('2026-03-20')}`, `{'a': b'x'}`, `['it's']`, `{'a': 'x`, `{1: 'a'}`, `['\q']`, `{"a": "it's"}`,
		strings.Repeat("[", 1000) + "'a'" + strings.Repeat("]", 1000),
	} {
		if got := pythonJSON([]byte(text)); got != nil {
			t.Errorf("%.40s became %s", text, got)
		}
	}
	for _, text := range []string{`{"a": 1}`, `["a"]`, `[1, 2]`, `{}`, `[]`, `text`, `[Europe/Oslo]`} {
		if printedByPython([]byte(text)) {
			t.Errorf("%s is taken for Python's", text)
		}
	}
}

// TestPythonJSONInTime: a cell of a million texts takes the time of its length.
func TestPythonJSONInTime(t *testing.T) {
	text := "[" + strings.Repeat("'a', ", 1_000_000) + "'b']"
	if got := pythonJSON([]byte(text)); len(got) != 1_000_000*4+len(`["b"]`) {
		t.Errorf("%d bytes", len(got))
	}
}
