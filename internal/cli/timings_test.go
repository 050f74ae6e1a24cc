package cli

import (
	"strings"
	"testing"
	"time"
)

// TestStopwatch has a question that takes three seconds before and four after a table of ten that is made for it, and is
// asked again for one.
func TestStopwatch(t *testing.T) {
	var clock time.Duration
	s := stopwatch{now: func() reading { return reading{clock, 2 * clock} }}
	pass := func(seconds time.Duration) { clock += seconds * time.Second }
	asked := s.begin("question")
	pass(3)
	made := s.begin("table")
	pass(10)
	made()
	pass(4)
	asked()
	pass(100) // between questions
	again := s.begin("question")
	pass(1)
	again()
	var got strings.Builder
	s.print(&got)
	want := ` seconds      cpu  question
  10.000   20.000  table
   8.000   16.000  question
  18.000   36.000  in all
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}
