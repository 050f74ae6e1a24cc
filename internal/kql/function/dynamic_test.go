package function

import (
	"encoding/json"
	"testing"
)

// FuzzElements takes texts apart as the library's decoder does, and puts them together as its compactor would.
func FuzzElements(f *testing.F) {
	for _, text := range []string{
		`[]`, ` [ 1 , "a,]" , {"b":[2,"\"]"]} , [ ] ] `, `["<&>","\\","\"",null,true,-1.5e3]`, `null`, `{}`, `"[1]"`, `[1,`, `[1]]`, ``, `[,]`, "\f[]", "[]\u00a0", "[1,\f2]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want []json.RawMessage
		valid := json.Unmarshal([]byte(text), &want) == nil && want != nil
		got, ok := Elements(json.RawMessage(text))
		if ok != valid || len(got) != len(want) {
			t.Fatalf("%q has %d elements (%t), want %d (%t)", text, len(got), ok, len(want), valid)
		}
		for i := range got {
			if string(got[i]) != string(want[i]) {
				t.Errorf("element %d of %q is %s, want %s", i, text, got[i], want[i])
			}
		}
		if ok && canonical(array(got).(json.RawMessage)) != canonical(json.RawMessage(text)) {
			t.Errorf("%q becomes %s", text, array(got))
		}
	})
}
