package plan

import (
	"slices"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// scanOutputs are the spellings of Output.
var scanOutputs = map[string]Output{"": OutputAll, "all": OutputAll, "last": OutputLast, "none": OutputNone}

// scanRows binds `scan`.
// https://learn.microsoft.com/kusto/query/scan-operator
func (b *binder) scanRows(sc *scope, n Node, op *syntax.Scan) Node {
	if !serialized(n) {
		b.fail(diag.Semantic, op.Span(), "", "scan needs serialized rows: sort them first")
	}
	if len(op.Steps) == 0 {
		b.fail(diag.Semantic, op.Span(), "", "scan needs a step")
	}
	out := &Follow{In: n, MatchID: b.hidden("match_id", schema.Long), Ordinal: b.hidden("", schema.Long), Per: b.per.columns()}
	out.order = []Key{{X: &Col{out.Ordinal}}}
	out.cols = append(out.cols, b.per.with(n.Columns())...)
	b.declareScanned(sc, out, op.Declared)
	b.overwrite(out, n, op.Steps)
	if name, at := b.option(op.Options, "with_match_id"); at != nil {
		if findColumn(out.cols, name) != nil {
			b.failDeclared(at.Span(), name)
		}
		out.MatchID.Name, out.MatchID.Hidden = name, false
		out.cols = append(out.cols, out.MatchID)
	}
	out.Steps = make([]FollowStep, len(op.Steps))
	for i := range op.Steps {
		b.attempt(func() { b.scanStep(sc, n, out, op, i) })
	}
	return out
}

func (b *binder) declareScanned(sc *scope, out *Follow, declared []syntax.Param) {
	for _, p := range declared {
		t, ok := schema.ParseType(p.Type)
		if !ok {
			b.fail(diag.Semantic, p.Span(), "", "unknown type %s", p.Type)
		}
		if findColumn(out.cols, p.Name.Name) != nil {
			b.failDeclared(p.Span(), p.Name.Name)
		}
		value := null(t)
		if p.Default != nil {
			value = b.convert(b.scalar(&frame{scope: sc}, p.Default), t)
		}
		c := b.column(p.Name.Name, t)
		out.cols = append(out.cols, c)
		out.Declared = append(out.Declared, Item{Col: c, X: value})
	}
}

// overwrite gives the columns of the input that a step assigns to a column each that stands in their place: the row's own
// value, unless the step that matches assigns another.
func (b *binder) overwrite(out *Follow, n Node, steps []syntax.ScanStep) {
	for _, s := range steps {
		for _, a := range s.Assign {
			name, _ := b.oneName(a)
			source := findColumn(n.Columns(), name)
			at := slices.Index(out.cols, source)
			if source == nil || at < 0 {
				continue
			}
			if slices.Contains(out.Per, source) {
				b.fail(diag.Unsupported, a.Span(), "", "a step that assigns to %s, by which the rows are partitioned, is not supported", name)
			}
			c := b.column(name, source.Type)
			out.cols[at] = c
			out.Declared = append(out.Declared, Item{Col: c, X: &Col{source}})
		}
	}
}

func (b *binder) scanStep(sc *scope, n Node, out *Follow, op *syntax.Scan, i int) {
	f := b.row(sc, n)
	f.cols = out.cols
	f.states = func(step, column *syntax.Name) Expr { return b.scanState(out, op, i, step, column) }
	step := &out.Steps[i]
	step.Output = scanOutputs[op.Steps[i].Output]
	for k := range i {
		if op.Steps[k].Name.Name == op.Steps[i].Name.Name {
			b.fail(diag.Semantic, op.Steps[i].Name.Span(), "", "there is a step %s already", op.Steps[i].Name.Name)
		}
	}
	step.Cond = b.scanExpr(op.Steps[i].Cond, b.predicate(f, op.Steps[i].Cond))
	for _, a := range op.Steps[i].Assign {
		name, x := b.oneName(a)
		var target *Column
		for _, d := range out.Declared {
			if d.Col.Name == name {
				target = d.Col
			}
		}
		if target == nil {
			b.fail(diag.Semantic, a.Span(), suggest(name, namesOf(out.cols)), "a step assigns to columns of the rows and declared ones, %s is none", name)
		}
		step.Assign = append(step.Assign, Item{Col: target, X: b.scanExpr(x, b.convert(b.scalar(f, x), target.Type))})
	}
}

// scanExpr refuses what cannot be asked row by row.
func (b *binder) scanExpr(at syntax.Expr, x Expr) Expr {
	Walk(x, func(e Expr) {
		if _, ok := e.(*InQuery); ok {
			b.fail(diag.Unsupported, at.Span(), "in (toscalar(... | summarize make_set(x)))", "a table inside of a step of scan is not supported")
		}
	})
	return x
}

// scanState is the column that remembers a value of a step's latest row; nil when there is no such step.
func (b *binder) scanState(out *Follow, op *syntax.Scan, current int, step, column *syntax.Name) Expr {
	at := -1
	for i := range op.Steps {
		if op.Steps[i].Name.Name == step.Name {
			at = i
		}
	}
	switch {
	case at < 0:
		return nil
	case at > current:
		b.fail(diag.Semantic, step.Span(), "", "the step %s comes later: its state is not known here", step.Name)
	}
	source := b.existing(out.cols, column, "the rows of step "+step.Name+" have no column")
	for _, s := range out.Steps[at].State {
		if c, ok := s.X.(*Col); ok && c.C == source {
			return &Col{s.Col}
		}
	}
	state := b.copyOf(source)
	out.Steps[at].State = append(out.Steps[at].State, Item{Col: state, X: &Col{source}})
	return &Col{state}
}
