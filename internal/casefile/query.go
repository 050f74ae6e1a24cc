package casefile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// session is the case as one query sees it. The compiler asks whether a catalog can do these things: one that no longer
// does would have plugins and externaldata refused.
type session struct {
	*Case
	ctx context.Context
	err error // why a view could not be made
}

var (
	_ kql.Explorer = (*session)(nil)
	_ kql.Library  = (*session)(nil)
)

// Table finds a table or a view by its exact name.
func (s *session) Table(name string) (*schema.Table, bool) {
	if t, ok := s.Case.Table(name); ok {
		return t, ok
	}
	view, err := s.makeView(s.ctx, name)
	s.err = errors.Join(s.err, err)
	return view, view != nil
}

// Explore runs SQL for the compiler.
func (s *session) Explore(text string, columns []schema.Column) ([][]schema.Value, error) {
	return s.Select(s.ctx, text, columns)
}

// Query answers KQL. An error in the user's text, or one while running it, is a *diag.List.
func (c *Case) Query(ctx context.Context, request kql.Request) (*kql.Rows, error) {
	return c.queryAt(ctx, request, c.asOf)
}

// Compile compiles KQL without answering it, but for what its columns depend on. An error in the user's text is a *diag.List.
func (c *Case) Compile(ctx context.Context, request kql.Request) (*kql.Compiled, error) {
	return c.compile(ctx, request, c.asOf)
}

func (c *Case) compile(ctx context.Context, request kql.Request, now schema.Ticks) (*kql.Compiled, error) {
	s := &session{Case: c, ctx: ctx}
	compiled, err := kql.Compile(request, s, now)
	if s.err != nil { // what the compiler says of a view that could not be made is no use
		return nil, s.err
	}
	return compiled, err
}

// queryAt answers KQL in which now() is the given time.
func (c *Case) queryAt(ctx context.Context, request kql.Request, now schema.Ticks) (*kql.Rows, error) {
	defer c.opt.Watch(request.Source.Name)()
	compiled, err := c.compile(ctx, request, now)
	if err != nil {
		return nil, err
	}
	rows, err := c.run(ctx, compiled)
	if leavesRange(err) && !request.Careful {
		request.Careful = true
		return c.queryAt(ctx, request, now)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if noRoom(err) {
			return nil, c.orFull(err)
		}
		list := &diag.List{Source: request.Source}
		message := strings.SplitN(err.Error(), "\n", 2)[0]
		kind := diag.Runtime
		if refused, ok := function.Refusal(message); ok {
			kind, message = diag.Unsupported, refused
		}
		list.Add(diag.Diagnostic{Kind: kind, Message: message, Span: diag.Span{End: diag.Pos(len(request.Source.Text))}})
		return nil, list
	}
	return &kql.Rows{Columns: compiled.Columns, Rows: rows, Notes: compiled.Notes, Tables: compiled.Tables}, nil
}

var errYears = errors.New("the datetime that was computed lies outside of the years 1 to 9999, which are all that Kusto has")

// leavesRange reports whether a query failed on a result beyond the range of its type.
func leavesRange(err error) bool {
	return err != nil && (errors.Is(err, errYears) || beyondLong.MatchString(err.Error()))
}

// beyondLong is what DuckDB says of a long that overflows, and of a sum that is none any more.
var beyondLong = regexp.MustCompile(`Overflow in .* of INT64|INT128 .* out of range for the destination type INT64`)

// run keeps what the query materializes, and asks it.
func (c *Case) run(ctx context.Context, compiled *kql.Compiled) ([][]schema.Value, error) {
	for _, k := range compiled.Kept {
		if err := c.keep(ctx, k); err != nil {
			return nil, err
		}
	}
	return c.Select(ctx, compiled.KeptSQL, compiled.Columns)
}

// SetAsOf fixes what now() means; source says why, in words.
func (c *Case) SetAsOf(t schema.Ticks, source string) { c.asOf, c.asOfSource = t, source }

// AsOf returns what now() means and where that comes from.
func (c *Case) AsOf() (schema.Ticks, string) { return c.asOf, c.asOfSource }

// Select runs SQL whose columns have the given KQL types in their stored form.
func (c *Case) Select(ctx context.Context, text string, columns []schema.Column) ([][]schema.Value, error) {
	rows, err := c.conn.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := [][]schema.Value{}
	raw := make([]any, max(len(columns), 1))
	targets := make([]any, len(raw))
	for i := range raw {
		targets[i] = &raw[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		row := make([]schema.Value, len(columns))
		for i, col := range columns {
			if row[i], err = value(col.Type, raw[i]); err != nil {
				return nil, fmt.Errorf("column %s: %w", col.Name, err)
			}
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// value turns a cell of the driver into a KQL value.
func value(t schema.Type, v any) (schema.Value, error) {
	if v == nil {
		if t == schema.String {
			return "", nil
		}
		return nil, nil
	}
	switch t {
	case schema.Datetime:
		n, err := integer(v)
		if err == nil && (n < 0 || schema.Ticks(n) > schema.MaxDatetime) {
			return nil, errYears
		}
		return schema.Ticks(n), err
	case schema.Timespan:
		n, err := integer(v)
		return schema.Ticks(n), err
	case schema.Int, schema.Long:
		return boxed(integer(v))
	case schema.Real:
		return boxed(real(v))
	case schema.Decimal:
		return decimal(v), nil
	case schema.Dynamic:
		if s, ok := v.(string); ok {
			return json.RawMessage(s), nil
		}
		text, err := json.Marshal(v)
		return json.RawMessage(text), err
	case schema.Guid:
		switch u := v.(type) {
		case duckdb.UUID:
			return u.String(), nil
		case []byte:
			if len(u) == 16 {
				return (*duckdb.UUID)(u).String(), nil
			}
			return string(u), nil
		}
	case schema.String:
		if s, ok := v.(string); ok {
			return s, nil
		}
		return fmt.Sprint(v), nil
	}
	return v, nil
}

func boxed[T any](v T, err error) (schema.Value, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func integer(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case int32:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int8:
		return int64(v), nil
	case uint64:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case float64:
		return int64(v), nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case *big.Int:
		if v.IsInt64() {
			return v.Int64(), nil
		}
		return 0, fmt.Errorf("the number %s is too large for a long", v)
	case time.Time:
		return int64(schema.TicksOf(v)), nil
	case duckdb.Decimal:
		return int64(v.Float64()), nil
	}
	return 0, fmt.Errorf("unexpected %T for a number", v)
}

func real(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case float32:
		return float64(v), nil
	case duckdb.Decimal:
		return v.Float64(), nil
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, nil
	}
	n, err := integer(v)
	return float64(n), err
}

func decimal(v any) schema.Value {
	d, ok := v.(duckdb.Decimal)
	if !ok {
		return schema.DecimalText(fmt.Sprint(v))
	}
	digits := d.Value.String()
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	scale := int(d.Scale)
	for len(digits) <= scale {
		digits = "0" + digits
	}
	whole, part := digits[:len(digits)-scale], strings.TrimRight(digits[len(digits)-scale:], "0")
	if part == "" {
		return schema.DecimalText(sign + whole)
	}
	return schema.DecimalText(sign + whole + "." + part)
}
