package plan

import (
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// percentiles binds the percentile family: `w` in the name says that the second argument is a weight, `_array` that the
// values become one array. The percentiles are numbers or one array of numbers.
// https://learn.microsoft.com/kusto/query/percentiles-aggregation-function
func (b *binder) percentiles(f *frame, call *syntax.Call, emit emitter, _ *Compute) {
	name, asArray := strings.CutSuffix(call.Func.Name, "_array")
	weighted := strings.HasSuffix(name, "w")
	first := 1
	if weighted {
		first = 2
	}
	if len(call.Args) <= first {
		b.fail(diag.Semantic, call.Span(), "", "%s takes an expression and percentiles", call.Func.Name)
	}
	row := *f
	row.aggs = nil
	v := b.scalar(&row, call.Args[0])
	one := b.percentileOf(f, call, v)
	if weighted {
		weight := b.scalar(&row, call.Args[1])
		one = b.weightedPercentile(f, call, v, weight)
	}
	var values []Expr
	for i, a := range call.Args[first:] {
		for _, p := range b.percents(&row, a) {
			value := one(p)
			if !asArray {
				text := strings.ReplaceAll(b.src.Text[a.Span().Start:a.Span().End], ".", "_")
				emit(i, "percentile_"+implicitName(call.Args[0])+"_"+text, value)
			}
			values = append(values, value)
		}
	}
	if asArray {
		emit(0, "percentiles_"+implicitName(call.Args[0]), b.invent("pack_array", values...))
	}
}

// percents reads a constant percentile, or an array of them.
func (b *binder) percents(f *frame, x syntax.Expr) []Expr {
	c, ok := b.scalar(f, x).(*Const)
	if !ok {
		b.fail(diag.Semantic, x.Span(), "", "a percentile must be a constant")
	}
	list := []Expr{b.convert(c, schema.Real)}
	if c.T == schema.Dynamic {
		list = b.arrayItems(ptr(null(schema.Real)), c)
	}
	for _, p := range list {
		k, ok := p.(*Const)
		n, isReal := schema.Value(nil), false
		if ok {
			n, isReal = k.V.(float64)
		}
		if x0, _ := n.(float64); !isReal || x0 < 0 || x0 > 100 {
			b.fail(diag.Semantic, x.Span(), "", "a percentile is a number from 0 to 100")
		}
	}
	return list
}

func (b *binder) percentileOf(f *frame, call *syntax.Call, v Expr) func(Expr) Expr {
	fn, _ := function.Operator("percentile")
	return func(p Expr) Expr { return f.aggs.add(b, b.applyAt(call.Func.Span(), call.Func.Name, fn, []Expr{v, p})) }
}

// weightedPercentile reads the percentiles from a digest of the values with their weights.
func (b *binder) weightedPercentile(f *frame, call *syntax.Call, v, weight Expr) func(Expr) Expr {
	t := b.percentileOf(&frame{aggs: &aggregates{}}, call, v)(null(schema.Real)).Type() // as without a weight
	digest := f.aggs.add(b, b.inventAt(call.Func.Span(), "tdigest", v, weight))
	return func(p Expr) Expr { return b.convert(b.invent("percentile_tdigest", digest, p), t) }
}
