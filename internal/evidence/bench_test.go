package evidence

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// BenchmarkRead reads the same 20,000 rows in several forms, up to the decoded row: framing, validation, conversion.
// MB/s counts the bytes of the unpacked text.
func BenchmarkRead(b *testing.B) {
	const rows = 20_000
	var lines, array, records, table bytes.Buffer
	array.WriteString("[\n")
	table.WriteString("TimeGenerated,CreatedDateTime,Type,Id,UserId,Status,LocationDetails,UserAgent\n")
	for i := range rows {
		row := fmt.Sprintf(`{"TimeGenerated":"2026-03-20T10:00:00.1234567Z","CreatedDateTime":"2026-03-20T09:59:00Z","Type":"AADNonInteractiveUserSignInLogs","Id":"%08x-0000-4000-8000-000000000000","UserId":"u%d","Status":"{\"errorCode\":0,\"additionalDetails\":\"MFA requirement satisfied\"}","LocationDetails":"{\"city\":\"London\",\"countryOrRegion\":\"GB\",\"geoCoordinates\":{\"latitude\":51.5,\"longitude\":-0.12}}","UserAgent":"%s"}`, i, i%500, strings.Repeat("Mozilla/5.0 (Windows NT 10.0; Win64; x64) ", 20))
		lines.WriteString(row + "\n")
		array.WriteString(row)
		if i < rows-1 {
			array.WriteString(",\n")
		}
		fmt.Fprintf(&records, `{"time":"2026-03-20T10:00:00.1234567Z","category":"NonInteractiveUserSignInLogs","properties":{"createdDateTime":"2026-03-20T09:59:00Z","id":"%08x-0000-4000-8000-000000000000","userId":"u%d","status":{"errorCode":0},"location":{"city":"London","countryOrRegion":"GB"},"userAgent":"%s"}}`+"\n", i, i%500, strings.Repeat("Mozilla/5.0 (Windows NT 10.0; Win64; x64) ", 20))
		fmt.Fprintf(&table, `2026-03-20T10:00:00.1234567Z,2026-03-20T09:59:00Z,AADNonInteractiveUserSignInLogs,%08x-0000-4000-8000-000000000000,u%d,"{""errorCode"":0}","{""city"":""London""}",%s`+"\n", i, i%500, strings.Repeat("Mozilla/5.0 (Windows NT 10.0; Win64; x64) ", 20))
	}
	array.WriteString("]\n")
	var gz, zst bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = w.Write(lines.Bytes())
	_ = w.Close()
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = z.Write(lines.Bytes())
	_ = z.Close()
	dir := b.TempDir()
	layout, shapes := testLayout(b)
	for _, form := range []struct {
		name  string
		text  []byte
		plain int
	}{
		{"lines.jsonl", lines.Bytes(), lines.Len()},
		{"array.json", array.Bytes(), array.Len()},
		{"lines.jsonl.gz", gz.Bytes(), lines.Len()},
		{"lines.jsonl.zst", zst.Bytes(), lines.Len()},
		{"records.jsonl", records.Bytes(), records.Len()},
		{"table.csv", table.Bytes(), table.Len()},
	} {
		path := filepath.Join(dir, form.name)
		if err := os.WriteFile(path, form.text, 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run(form.name, func(b *testing.B) {
			b.SetBytes(int64(form.plain))
			for b.Loop() {
				file, err := new(Files).Open(path, shapes)
				if err != nil {
					b.Fatal(err)
				}
				stream, err := file.Read(func(r Reject) { b.Fatal(r) })
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				reader, d := stream.Reader(), layout.NewDecoder(file)
				for record, ok := reader.Next(); ok; record, ok = reader.Next() {
					if _, err := d.Decode(record.Text, record.Line); err != nil {
						b.Fatal(err)
					}
					n++
				}
				if err := stream.Close(); err != nil && err != io.EOF || n != rows {
					b.Fatalf("%d rows: %v", n, err)
				}
			}
		})
	}
}
