package kql

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

func TestEach(t *testing.T) {
	at := time.Date(2026, 3, 20, 10, 0, 0, 0, time.UTC)
	rows := &Rows{
		Columns: []schema.Column{{Name: "User", Type: schema.String}, {Name: "Events", Type: schema.Long}, {Name: "First", Type: schema.Datetime}, {Name: "Ids", Type: schema.Dynamic}},
		Rows:    [][]schema.Value{{"a", int64(3), schema.TicksOf(at), json.RawMessage(`["x"]`)}, {"", nil, nil, nil}},
	}
	n := 0
	err := rows.Each(func(r *Row) {
		n++
		user, events, first, ids := r.Text("User"), r.Number("Events"), r.Time("First"), string(r.JSON("Ids"))
		switch {
		case n == 1 && (user != "a" || events != 3 || !first.Equal(at) || ids != `["x"]`):
			t.Errorf("row 1 is %q, %d, %s, %s", user, events, first, ids)
		case n == 2 && (user != "" || events != 0 || !first.IsZero() || ids != ""):
			t.Errorf("the row of nulls is %q, %d, %s, %s", user, events, first, ids)
		}
		if !r.Has("User") || r.Has("user") {
			t.Error("the answer has a column User, and names are case-sensitive")
		}
	})
	if n != 2 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	n = 0
	if err := rows.Each(func(r *Row) { n++; r.Text("Name") }); err == nil || err.Error() != "the result has no column Name" || n != 1 {
		t.Errorf("%v after %d rows, want an error that names the column after the first", err, n)
	}
}
