package plan

import (
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// partition runs a subquery on the rows of each key.
// https://learn.microsoft.com/kusto/query/partition-operator
func (b *binder) partition(sc *scope, n Node, op *syntax.Partition) Node {
	c := b.existing(n.Columns(), op.Key, unknownColumn)
	if c.Type == schema.Dynamic || strings.HasPrefix(c.Name, "_") && c.Hidden {
		b.fail(diag.Semantic, op.Key.Span(), "tostring("+c.Name+")", "rows cannot be partitioned by a dynamic value: convert it first")
	}
	if b.per != nil {
		b.fail(diag.Unsupported, op.Span(), "", "a partition inside of another subquery is not supported yet")
	}
	if op.Source != nil || b.opt.Ask != nil && b.needsGroupsAlone(op.Body.Ops) {
		return b.partitionByKey(sc, n, op, c)
	}
	key := b.column("", c.Type)
	key.Hidden = true
	in := &Compute{base: base{cols: n.Columns(), order: n.Ordering()}, In: n, Items: []Item{{Col: key, X: &Col{c}}}}
	b.per = &group{Col: key}
	body := b.ops(sc, in, op.Body.Ops)
	b.per = nil
	return &Compute{base: base{cols: visibleColumns(body), order: body.Ordering()}, In: body}
}

// maxPartitions is how many keys a partition may have whose subquery runs once for each, as in Kusto.
const maxPartitions = 64

// partitionByKey asks the data for the keys and binds the subquery once for each. A subquery with a source of its own
// sees the key under its name, the others the rows of the key.
func (b *binder) partitionByKey(sc *scope, n Node, op *syntax.Partition, c *Column) Node {
	rows := b.share(sourceName(n, "union_arg0"), n)
	keys := b.partitionKeys(op.Key, rows)
	u := &Union{}
	for _, key := range keys {
		u.Inputs = append(u.Inputs, b.onePartition(sc, rows, op, key))
	}
	if len(keys) == 0 { // without rows, but with columns
		body := b.onePartition(sc, rows, op, &Const{T: c.Type})
		u.Inputs = append(u.Inputs, &Filter{base: base{cols: body.Columns()}, In: body, Pred: &Const{T: schema.Bool, V: false}})
	}
	b.unionColumns(u, false)
	return u
}

// partitionKeys asks the data for the values of a column.
func (b *binder) partitionKeys(name *syntax.Name, rows *Shared) []*Const {
	in := b.ref(rows)
	c := b.pluginColumn(in, name)
	found := &Compute{base: base{cols: []*Column{c}}, In: in}
	some := &Limit{base: base{cols: found.cols}, In: &Distinct{base: base{cols: found.cols}, In: found}, N: &Const{T: schema.Long, V: int64(maxPartitions + 1)}}
	var keys []*Const
	for _, row := range b.ask(name.Span(), some) {
		keys = append(keys, &Const{T: c.Type, V: row[0]})
	}
	if len(keys) > maxPartitions {
		b.fail(diag.Runtime, name.Span(), "", "%s has more than %d values: a partition with such a subquery has at most that many", c.Name, maxPartitions)
	}
	return keys
}

// isKey is the condition that a column has the value of a partition.
func (b *binder) isKey(c *Column, key *Const) Expr {
	if key.V == nil {
		return b.invent("isnull", &Col{c})
	}
	return b.invent("==", &Col{c}, key)
}

// onePartition binds the subquery of one key.
func (b *binder) onePartition(sc *scope, rows *Shared, op *syntax.Partition, key *Const) Node {
	if op.Source != nil {
		return b.tabular(sc.with(op.Key.Name, key), op.Source)
	}
	in := b.ref(rows)
	is := b.isKey(findColumn(in.Columns(), op.Key.Name), key)
	return b.ops(sc, &Filter{base: base{cols: in.Columns(), order: in.Ordering()}, In: in, Pred: is}, op.Body.Ops)
}
