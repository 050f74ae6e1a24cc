package evidence

import (
	"bytes"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// time reads a time. Where the shape does not say whether 3/4/2026 is in March or April, all times of the file decide. A CSV
// can have been through a spreadsheet, which writes the dates of its own region, with 24 hours: there the shape's word holds
// for times of twelve hours only.
func (d *Decoder) time(b []byte) (t schema.Ticks, code string) {
	if t, ok := isoUTC(b); ok {
		return t, ""
	}
	date, ok := cutDate(bytes.TrimSpace(b))
	switch {
	case !ok:
		return datetime(b, monthFirst)
	case d.prog.shape.MonthFirst && (d.columns == nil || date.half()):
		return date.ticks(monthFirst)
	}
	return date.ticks(d.file.dayOrder(d.layout))
}

// dayOrder is the order of day and month that the dates of the whole file show; of a stream, those at its beginning.
func (f *File) dayOrder(l *Layout) dayOrder {
	f.orderOnce.Do(func() {
		stream := f.Head()
		if !f.Once() {
			var err error
			if stream, err = f.Read(func(Reject) {}); err != nil {
				return
			}
		}
		defer func() { _ = stream.Close() }()
		d := l.NewDecoder(f)
		d.raw = true
		r := stream.Reader()
		for record, ok := r.Next(); ok && f.order != orderMixed; record, ok = r.Next() {
			d.arena, d.inner = d.arena[:0], d.inner[:0]
			if inner, err := d.unwrapAll(record.Text); err == nil {
				f.order |= d.orderOf(inner)
			}
		}
	})
	return f.order
}

// orderOf is what the times of one record show.
func (d *Decoder) orderOf(record []byte) dayOrder {
	order := orderUnknown
	if err := d.scan(record); err != nil {
		return order
	}
	t, err := d.target()
	if err != nil {
		return order
	}
	for i, s := range d.prog.plans[t].steps {
		if t.Columns[i].Type != schema.Datetime {
			continue
		}
		for _, a := range s {
			if a.slot >= 0 {
				if date, ok := cutDate(bytes.TrimSpace(d.text(d.spans[a.slot]))); ok {
					order |= date.order()
				}
			}
		}
	}
	return order
}
