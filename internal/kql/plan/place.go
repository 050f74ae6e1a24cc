package plan

import "github.com/replaytrace/replaytrace/internal/kql/schema"

// What has no order in Kusto's language comes in one nevertheless where its rows are few and written in the query: in
// that in which they stand there. The emulator answers so, and a reader expects it. Tables have no such places: what is
// made of them costs nothing more.

// placed returns the column that says where each row of a node stands, nil where the rows have no places.
func (b *binder) placed(n Node) (Node, *Column) {
	keys := n.Ordering()
	if len(keys) == 0 || keys[0].Origin != Written {
		return n, nil
	}
	if c, ok := keys[0].X.(*Col); ok && len(keys) == 1 && !keys[0].Desc {
		return n, c.C
	}
	c := b.hidden("", schema.Long)
	return &Number{base: base{cols: append(append([]*Column(nil), n.Columns()...), c), order: inPlace(c)}, In: n, Col: c}, c
}

func inPlace(cols ...*Column) []Key {
	keys := make([]Key, len(cols))
	for i, c := range cols {
		keys[i] = Key{X: &Col{c}, Origin: Written}
	}
	return keys
}

// firstOfGroup makes the groups come as their first rows do.
func (b *binder) firstOfGroup(a *Aggregate) []Key {
	in, place := b.placed(a.In)
	if place == nil {
		return nil
	}
	first := b.hidden("", schema.Long)
	a.In = in
	a.Aggs = append(a.Aggs, Item{Col: first, X: b.invent("min", &Col{place})})
	a.cols = append(a.cols, first)
	return inPlace(first)
}

// distinctRows drops rows that are equal in cols.
func (b *binder) distinctRows(in Node, cols []*Column) Node {
	cols = b.per.with(cols)
	a := &Aggregate{base: base{cols: append([]*Column(nil), cols...)}, In: in}
	order := b.firstOfGroup(a)
	if order == nil {
		return &Distinct{base: base{cols: cols}, In: in}
	}
	for _, c := range cols {
		a.Keys = append(a.Keys, Item{Col: c, X: &Col{c}})
	}
	return &Compute{base: base{cols: cols, order: order}, In: a}
}

// unionOrder puts the inputs of a union one after the other, where the rows of all have their places.
func (b *binder) unionOrder(u *Union) {
	inputs, places := make([]Node, len(u.Inputs)), make([]*Column, len(u.Inputs))
	for i, in := range u.Inputs {
		if inputs[i], places[i] = b.placed(in); places[i] == nil {
			return
		}
	}
	input, place := b.hidden("", schema.Long), b.hidden("", schema.Long)
	u.Inputs = inputs
	for i := range u.Maps {
		u.Maps[i] = append(u.Maps[i], &Const{T: schema.Long, V: int64(i)}, &Col{places[i]})
	}
	u.cols = append(u.cols, input, place)
	u.order = inPlace(input, place)
}
