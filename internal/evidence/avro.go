package evidence

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/twmb/avro/ocf"
)

// avroReader turns the records of an Avro container, as Event Hubs captures messages, into lines of JSON. Bytes become
// text: what a message holds is JSON.
// https://learn.microsoft.com/azure/event-hubs/event-hubs-capture-overview
type avroReader struct {
	records *ocf.Reader
	line    bytes.Buffer
}

func openAvro(r io.Reader) (io.Reader, error) {
	records, err := ocf.NewReader(bufio.NewReader(r), ocf.WithMaxBlockBytes(2*maxRecord), ocf.WithMaxDecompressedBlockBytes(2*maxRecord))
	if err != nil {
		return nil, err
	}
	return &avroReader{records: records}, nil
}

func (a *avroReader) Read(p []byte) (int, error) {
	for a.line.Len() == 0 {
		var record any
		if err := a.records.Decode(&record); err != nil {
			if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return 0, io.EOF
			}
			return 0, err
		}
		text, err := json.Marshal(asText(record))
		if err != nil {
			return 0, err
		}
		a.line.Write(text)
		a.line.WriteByte('\n')
	}
	return a.line.Read(p)
}

// asText is a value of Avro with text where it has bytes. What is no text stays bytes, which JSON writes as base64.
func asText(v any) any {
	switch v := v.(type) {
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
	case []any:
		for i := range v {
			v[i] = asText(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = asText(v[k])
		}
	}
	return v
}
