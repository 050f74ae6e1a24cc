package casefile

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// goFunc makes a Go function callable from SQL. Its arguments are variadic and of any type: the compiler has checked
// them already, and the declared types say how to read them.
type goFunc struct {
	kql.Scalar
	any, result duckdb.TypeInfo
}

func (c *Case) register(s kql.Scalar) error {
	anyType, err := duckdb.NewTypeInfo(duckdb.TYPE_ANY)
	if err != nil {
		return fmt.Errorf("register %s: %w", s.Name, err)
	}
	result, err := duckdb.NewTypeInfo(driverTypes[s.Result])
	if err != nil {
		return fmt.Errorf("register %s: %w", s.Name, err)
	}
	if err := duckdb.RegisterScalarUDF(c.conn, s.Name, &goFunc{Scalar: s, any: anyType, result: result}); err != nil {
		return fmt.Errorf("register %s: %w", s.Name, err)
	}
	return nil
}

// driverTypes are the types in which values are handed to the database: a decimal as its text, with all of its digits. No
// function in Go returns one.
var driverTypes = map[schema.Type]duckdb.Type{
	schema.Bool: duckdb.TYPE_BOOLEAN, schema.Int: duckdb.TYPE_BIGINT, schema.Long: duckdb.TYPE_BIGINT,
	schema.Real: duckdb.TYPE_DOUBLE, schema.String: duckdb.TYPE_VARCHAR, schema.Datetime: duckdb.TYPE_BIGINT,
	schema.Timespan: duckdb.TYPE_BIGINT, schema.Dynamic: duckdb.TYPE_VARCHAR, schema.Guid: duckdb.TYPE_VARCHAR,
	schema.Decimal: duckdb.TYPE_VARCHAR,
}

// Config describes the function to DuckDB. Nulls are handled here, because a string result is never null.
func (f *goFunc) Config() duckdb.ScalarFuncConfig {
	return duckdb.ScalarFuncConfig{VariadicTypeInfo: f.any, ResultTypeInfo: f.result, SpecialNullHandling: true, Volatile: f.Volatile}
}

// Executor runs the function row by row.
func (f *goFunc) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: f.call}
}

func (f *goFunc) call(values []driver.Value) (any, error) {
	args := make([]schema.Value, len(values))
	for i, v := range values {
		t := schema.Unknown
		if i < len(f.Args) {
			t = f.Args[i]
		} else if len(f.Args) > 0 && f.Variadic {
			t = f.Args[len(f.Args)-1]
		}
		a, err := argument(t, v)
		if err != nil {
			return nil, err
		}
		if a == nil && !f.NullIn {
			return nil, nil
		}
		args[i] = a
	}
	out, err := f.guarded(args)
	if err != nil {
		return nil, err
	}
	return plain(out), nil
}

// guarded runs the function; a panic is an error of the one query.
func (f *goFunc) guarded(args []schema.Value) (out schema.Value, err error) {
	defer caught(func() string { return f.Name }, &err)
	return f.Fn(args)
}

// caught, deferred by what DuckDB calls, turns a panic into an error: it must not unwind into DuckDB's threads, where the
// process would hang instead of ending.
func caught(what func() string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("internal error in %s: %v", what(), r)
	}
}

func argument(t schema.Type, v driver.Value) (schema.Value, error) {
	if v == nil {
		return nil, nil
	}
	if t == schema.Unknown {
		switch n := v.(type) {
		case int32, int16, int8, uint64, uint32:
			return boxed(integer(n))
		case duckdb.Decimal:
			return n.Float64(), nil
		}
		return v, nil
	}
	return value(t, v)
}

// plain is a KQL value in the form that the driver stores.
func plain(v schema.Value) any {
	switch v := v.(type) {
	case json.RawMessage:
		return string(v)
	case schema.Ticks:
		return int64(v)
	}
	return v
}
