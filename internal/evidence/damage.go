package evidence

import "bytes"

// Decode decodes a record that this reader handed out last. Where it is no JSON because a bracket or a quote of its own is
// missing or too many, the records behind it in their array seem to be a part of it: those are handed out next, and the record
// that is returned ends before them.
func (r *Reader) Decode(record Record, d *Decoder) (Record, *Row, error) {
	row, err := d.Decode(record.Text, record.Line)
	if code, _ := codeAndReason(err); code != CodeInvalidJSON && code != CodeTruncated {
		return record, row, err
	}
	alone := r.damaged(record)
	if len(alone.Text) < len(record.Text) {
		row, err = d.Decode(alone.Text, alone.Line)
	}
	return alone, row, err
}

// damaged takes a record's neighbours out of it. A neighbour is known by its first key, which the records of one export have
// in common, and by being whole.
func (r *Reader) damaged(record Record) Record {
	if r.block.Records == nil || r.patience <= 0 { // each line is a record
		return record
	}
	at, looked := neighbour(record.Text, r.patience)
	if r.patience -= looked + len(record.Text); at < 0 {
		return record
	}
	rest := record.Text[at:]
	// The array, and what encloses it, are open.
	records, _ := splitValues(rest, true, &splitState{inPage: true, open: 1})
	start := r.block.Records[r.at-1].Start + at
	place := Place{record.Line + int64(bytes.Count(record.Text[:at], []byte{'\n'})), record.Offset + int64(at)}
	hidden := make([]Extent, len(records), len(records)+len(r.block.Records)-r.at)
	behind := 0
	for i, e := range records {
		place.Line += int64(bytes.Count(rest[behind:e.Start], []byte{'\n'}))
		place.Offset += int64(e.Start - behind)
		behind = e.Start
		hidden[i] = Extent{start + e.Start, start + e.End, place, e.Open && record.Open}
	}
	r.block.Records, r.at = append(hidden, r.block.Records[r.at:]...), 0
	return Record{Text: bytes.TrimRight(record.Text[:at], ", \t\r\n"), Place: record.Place}
}

// mostLooks is how many times the bytes of a block are looked at, in all, for neighbours of its damaged records, so that what
// is damaged everywhere does not take for ever.
const mostLooks = 64

// neighbour finds where in the text of a damaged record the next whole one begins, -1 if nowhere or if more than patience bytes
// would have to be looked at.
func neighbour(text []byte, patience int) (at, looked int) {
	first := blanks(text, 0)
	if first >= len(text) || text[first] != '{' {
		return -1, 0
	}
	if _, err := members(text, first, 0, nil); err == nil { // what is damaged lies inside of its texts
		return -1, len(text)
	}
	from, done, err := objectStart(text, first)
	if err != nil || done {
		return -1, len(text)
	}
	_, to, err := memberName(text, from)
	if err != nil {
		return -1, len(text)
	}
	key := text[from:to] // with its colon
	looked = len(text)
	for i := to; looked <= patience; i += len(key) {
		found := bytes.Index(text[i:], key)
		if found < 0 {
			break
		}
		i += found
		if at := opened(text, i); at > 0 {
			end, err := members(text, at, 0, nil)
			if err == nil {
				return at, looked
			}
			looked += end - at
		}
	}
	return -1, looked
}

// opened returns where the object begins whose first member begins at i, which follows another value; 0 if none does.
func opened(text []byte, i int) int {
	back := func() byte {
		for i--; i > 0 && isBlank(text[i]); i-- {
		}
		return text[max(i, 0)]
	}
	if back() != '{' {
		return 0
	}
	at := i
	if back() != ',' {
		return 0
	}
	return at
}
