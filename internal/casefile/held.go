package casefile

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/evidence"
)

// A container of Azure storage has a file for each hour or minute, and a folder of pages one for each thousand rows. A statement
// and a transaction for each such file take as long as a thousand of its rows do. Files that are held in memory, for they were
// read whole to recognise them, wait for others therefore and are loaded together.

// heldShare is the part of the memory that files may take that wait, and heldMore what each takes beside its text.
const (
	heldShare = 16
	heldMore  = 16 << 10
)

// hold lets a file wait until there are enough.
func (l *loader) hold(ctx context.Context, p *part) error {
	l.held = append(l.held, p)
	if l.heldBytes += int64(p.file.Held() + heldMore); l.heldBytes < l.c.opt.Memory/heldShare {
		return nil
	}
	return l.loadHeld(ctx)
}

// holds reports whether a file with the same bytes waits.
func (l *loader) holds(r *FileReport) bool {
	return slices.ContainsFunc(l.held, func(p *part) bool { return p.report.Bytes == r.Bytes && p.report.SHA256 == r.SHA256 })
}

// loadHeld loads the files that wait, all rows of a table at once, in one transaction. They are decoded once before, so that
// their tables are known and what they say: nothing needs to be set aside.
func (l *loader) loadHeld(ctx context.Context) error {
	parts, says := l.held, said{}
	l.held, l.heldBytes = nil, 0
	with := map[*evidence.Target][]*part{}
	var targets []*evidence.Target
	s := l.source(says)
	for _, p := range parts {
		p.rows, _ = s.look(p.file, p.file.Head(), math.MaxInt)
		if len(p.rows) == 0 {
			p.rows[nil] = 0 // it may have rows that are rejected
		}
		for t := range p.rows {
			if with[t] = append(with[t], p); len(with[t]) == 1 {
				targets = append(targets, t)
			}
		}
	}
	if len(parts) == 0 {
		return nil
	}
	slices.SortFunc(targets, func(a, b *evidence.Target) int { return strings.Compare(tableName(a), tableName(b)) })
	return l.c.transact(ctx, func() error {
		for _, t := range targets {
			if err := l.loadTogether(ctx, t, says, with[t]); err != nil {
				return err
			}
		}
		for _, p := range parts {
			l.remember(p.report)
		}
		return l.rejects(parts...)
	})
}

// loadTogether loads the rows of one table.
func (l *loader) loadTogether(ctx context.Context, t *evidence.Target, says said, parts []*part) (err error) {
	s := l.source(says, parts...)
	s.target = t
	for _, p := range parts {
		if p.stream, err = p.file.Read(p.reject); err != nil {
			return fmt.Errorf("read %s: %w", p.file.Path, err)
		}
	}
	if err := l.pass(ctx, s); err != nil {
		return fmt.Errorf("load %s and the %d small files behind it: %w", parts[0].file.Path, len(parts)-1, err)
	}
	return nil
}

// tableName is the name of a target's table, empty without one.
func tableName(t *evidence.Target) string {
	if t == nil {
		return ""
	}
	return t.Table.Name
}
