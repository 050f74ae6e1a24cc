package function

import (
	"encoding/json"
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// followScalar runs a FollowProgram, its first argument, over the lists that follow. The result is a JSON array with one
// object per row that the scan returns: nth is the number of the row from 1, m that of the match, d0.. the declared columns.
var followScalar = Scalar{Name: "kql_follow", Args: []schema.Type{schema.String}, NullIn: true, Result: schema.String, Fn: func(args []schema.Value) (schema.Value, error) {
	p, err := followerOf(args[0].(string))
	if err != nil {
		return nil, err
	}
	lists := make([][]any, len(args)-1)
	for i, a := range args[1:] {
		lists[i], _ = a.([]any)
	}
	return p.run(lists)
}}

// follower is a program that is ready to run.
type follower struct {
	text     string
	steps    []followerStep
	declared []followEval // their defaults
	starts   []followEval // of all remembered values
}

type followerStep struct {
	FollowStep
	cond   followEval
	assign map[int]followEval
	from   []followEval // of its remembered values
	first  int          // the number of the first of them
}

// lastFollower saves reading the program anew for each group of one query.
var lastFollower atomic.Pointer[follower]

func followerOf(text string) (*follower, error) {
	if p := lastFollower.Load(); p != nil && p.text == text {
		return p, nil
	}
	var program FollowProgram
	if err := json.Unmarshal([]byte(text), &program); err != nil {
		return nil, err
	}
	p := &follower{text: text}
	for _, d := range program.Declared {
		p.declared = append(p.declared, d.eval())
	}
	for _, s := range program.Steps {
		step := followerStep{FollowStep: s, cond: s.Cond.eval(), assign: map[int]followEval{}, first: len(p.starts)}
		for i, x := range s.Assign {
			step.assign[i] = x.eval()
		}
		for _, state := range s.State {
			step.from = append(step.from, state.From.eval())
			p.starts = append(p.starts, state.Start.eval())
		}
		p.steps = append(p.steps, step)
	}
	lastFollower.Store(p)
	return p, nil
}

// sequence is one that has come as far as some step. What later steps would remember stands at its start.
type sequence struct {
	active bool
	id     int64
	state  []any
	latest []byte // the row to return when the series of this step's rows ends
}

// run follows the rows. https://learn.microsoft.com/kusto/query/scan-operator#matching-logic
func (p *follower) run(lists [][]any) (out string, err error) {
	defer func() {
		if r := recover(); r != nil {
			if e, ok := r.(error); !ok || !errors.Is(e, errOverflow) {
				panic(r)
			}
			out, err = "", errOverflow
		}
	}()
	f := &followed{lists: lists, declared: make([]any, len(p.declared))}
	if len(lists) == 0 || len(lists[0]) == 0 {
		return "[]", nil
	}
	empty := make([]any, len(p.starts))
	for i, start := range p.starts {
		empty[i] = start(f)
	}
	at := make([]sequence, len(p.steps))
	for k := range at {
		at[k].state = empty
	}
	text, next := []byte{'['}, int64(0)
	emit := func(row []byte) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(text, row...)
	}
	ends := func(k int) {
		if p.steps[k].Last && at[k].active {
			emit(at[k].latest)
		}
	}
	for f.row = range lists[0] {
		for k := len(p.steps) - 1; k >= 0; k-- {
			from, entered := k, false
			if k > 0 && at[k-1].active && p.holds(f, k, at[k-1].state) {
				from, entered = k-1, true
			} else if k > 0 && !at[k].active || !p.holds(f, k, at[k].state) {
				continue
			}
			now := at[from]
			if k == 0 && !now.active {
				now.id, next = next, next+1
			}
			row := p.match(f, k, &now)
			if entered {
				ends(k - 1)
				ends(k)
				at[k-1] = sequence{state: empty}
			}
			switch {
			case p.steps[k].Last:
				now.latest = row
			case p.steps[k].All:
				emit(row)
			}
			at[k] = now
		}
	}
	for k := range p.steps {
		ends(k)
	}
	return string(append(text, ']')), nil
}

func (p *follower) holds(f *followed, k int, state []any) bool {
	f.state = state
	return p.steps[k].cond(f) == true
}

// match makes the row in hand the latest of step k in a sequence, and returns it as the scan may return it.
func (p *follower) match(f *followed, k int, now *sequence) []byte {
	step := &p.steps[k]
	f.state = now.state
	for i, x := range p.declared {
		if assigned := step.assign[i]; assigned != nil {
			x = assigned
		}
		f.declared[i] = x(f)
	}
	now.active = true
	if len(step.from) > 0 {
		now.state = append([]any(nil), now.state...)
		for i, from := range step.from {
			now.state[step.first+i] = from(f)
		}
	}
	row := strconv.AppendInt([]byte(`{"nth":`), int64(f.row+1), 10)
	row = strconv.AppendInt(append(row, `,"m":`...), now.id, 10)
	for i, v := range f.declared {
		row = strconv.AppendInt(append(row, `,"d`...), int64(i), 10)
		row = append(row, `":`...)
		row = appendCell(row, v)
	}
	return append(row, '}')
}

// appendCell writes a value in JSON: a real, which may be no number, as text.
func appendCell(out []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(out, v, 10)
	case bool:
		return strconv.AppendBool(out, v)
	case float64:
		return append(strconv.AppendFloat(append(out, '"'), v, 'g', -1, 64), '"') // +Inf and NaN too are read again
	case string:
		return schema.AppendJSON(out, schema.String, v)
	}
	return append(out, "null"...)
}
