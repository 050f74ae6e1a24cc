package function

import (
	"encoding/json"
	"testing"
)

// FuzzElements takes texts apart as the library's decoder does, and puts them together as its compactor would.
func FuzzElements(f *testing.F) {
	for _, text := range []string{
		`[]`, ` [ 1 , "a,]" , {"b":[2,"\"]"]} , [ ] ] `, `["<&>","\\","\"",null,true,-1.5e3]`, `null`, `{}`, `"[1]"`, `[1,`, `[1]]`, ``, `[,]`, `[1,[2,[{"a":[3]},[]],"["]]`, "\f[]", "[]\u00a0", "[1,\f2]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want []json.RawMessage
		valid := json.Unmarshal([]byte(text), &want) == nil && want != nil
		got, ok := takeApart(json.RawMessage(text), false)
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
		flat, flatOK := OneList(json.RawMessage(text))
		if deep := leaves(nil, want); flatOK != valid || canonical(array(flat).(json.RawMessage)) != canonical(array(deep).(json.RawMessage)) {
			t.Errorf("%q is the list %s, want %s", text, array(flat), array(deep))
		}
	})
}

// leaves is what OneList is, an array at a time.
func leaves(list, elements []json.RawMessage) []json.RawMessage {
	for _, e := range elements {
		var inner []json.RawMessage
		if json.Unmarshal(e, &inner) == nil && inner != nil {
			list = leaves(list, inner)
		} else {
			list = append(list, e)
		}
	}
	return list
}
